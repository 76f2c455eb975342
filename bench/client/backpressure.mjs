/** What a client draws in while its reader takes one event and then nothing. */
import { CLIENTS } from "./readers.mjs";
import { read } from "./spawn.mjs";
import { deltasIn } from "./wires.mjs";

const OFFERED = 48_000_000;

export async function measureBackpressure(server, places) {
  const rows = {};
  for (const [id, { name, wire, open }] of Object.entries(CLIENTS)) {
    // The hand-written parser has no reader to wait for.
    if (!open) continue;
    const { problem, rssGrowth } = read("stall", id, places, server, deltasIn(wire, OFFERED));
    const figures = { written_mb: (await server.written()) / 1e6, rss_growth_mb: rssGrowth / 1e6 };
    rows[id] = { name, ...(problem ? { problem } : figures) };
  }
  return { offered_mb: OFFERED / 1e6, rows };
}
