/** What a client costs per event: CPU above all, for the machine's other work moves the time. */
import { median, spread } from "../stats.mjs";
import { READERS } from "./readers.mjs";
import { read } from "./spawn.mjs";
import { charsOf } from "./wires.mjs";

const DELTAS = 200_000;
const ROUNDS = 5;
/** The yardstick of each wire. */
const YARDSTICKS = { edge: "handEdge", anthropic: "handAnthropic" };

export async function measureDecode(server, places) {
  for (const wire of Object.keys(YARDSTICKS)) await server.prepare(wire, DELTAS);
  const ids = Object.keys(READERS);
  const runs = Object.fromEntries(ids.map((id) => [id, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = round % 2 ? ids.toReversed() : ids;
    for (const id of order) runs[id].push(read("decode", id, places, server, DELTAS));
  }
  const rows = {};
  for (const id of ids) {
    const { name, wire, of } = READERS[id];
    rows[id] = { name, wire, is_sdk: of !== undefined, ...summary(runs[id]) };
  }
  for (const row of Object.values(rows)) {
    const hand = rows[YARDSTICKS[row.wire]];
    const times = row.cpu_us_per_event / hand.cpu_us_per_event;
    if (times) row.times_hand_parser = times;
  }
  return { deltas: DELTAS, rounds: ROUNDS, rows };
}

/** A client that lost something gets no figure. */
function summary(runs) {
  const chars = charsOf(DELTAS);
  const wrong = runs.find((run) => run.problem || run.count !== DELTAS || run.chars !== chars);
  if (wrong) return { problem: wrong.problem ?? lossOf(wrong, chars) };
  const perEvent = runs.map(({ cpuMs }) => (cpuMs * 1_000) / DELTAS);
  return {
    cpu_us_per_event: median(perEvent),
    cpu_us_quartiles: spread(perEvent),
    k_events_per_s: median(runs.map(({ ms }) => DELTAS / ms)),
  };
}

const lossOf = ({ count, chars }, offered) =>
  `got ${count} of ${DELTAS} deltas, ${chars} of ${offered} characters`;
