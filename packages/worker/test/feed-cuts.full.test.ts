import { expect, test } from "vitest";

import {
  account,
  admit,
  clientOf,
  create,
  kinds,
  read,
  tell,
  useDeployment,
} from "./support/feed.js";

test("10 000 turns come to a reader that is cut 50 times: all, in order for each session, once", async () => {
  const SESSIONS = 5;
  const TURNS = 10_000;
  const LAG = 5;
  useDeployment();
  let cuts = 0;
  // Some 30 000 entries of 150 bytes: cut somewhere in the midst of each 50 kB.
  const cut = () => ((cuts += 1) <= 50 ? 30_000 + ((cuts * 7_919) % 40_000) : Infinity);
  await account().updateLimits({ max_concurrent_turns: 3, max_queued_turns: 10_000 });
  const feed = clientOf({}, cut).feed({ after: 0 });
  const reading = read(feed, ({ session_id }) => session_id === "end");
  for (let session = 0; session < SESSIONS; session += 1) create(`s${session}`);
  for (let turn = 0; turn < TURNS; turn += 1) {
    const session = `s${turn % SESSIONS}`;
    admit(`t${turn}`, session);
    if (turn >= LAG) {
      const ended = turn - LAG;
      const of = `s${ended % SESSIONS}`;
      tell(of, { kind: "ended", turn: `t${ended}`, at: 0, status: "completed" });
    }
    if (turn % 100 === 0) await new Promise(setImmediate);
  }
  for (let turn = TURNS - LAG; turn < TURNS; turn += 1)
    tell(`s${turn % SESSIONS}`, { kind: "ended", turn: `t${turn}`, at: 0, status: "failed" });
  create("end");
  const entries = await reading;
  expect(cuts).toBeGreaterThan(50);
  expect(new Set(entries.map(({ seq }) => seq)).size).toBe(entries.length);
  expect(entries.every(({ seq }, index) => index === 0 || seq > entries[index - 1]!.seq)).toBe(
    true,
  );
  expect(kinds(entries)).not.toContain("reset");
  const ends = entries.filter(({ kind }) => /completed|failed/.test(kind));
  expect(ends).toHaveLength(TURNS);
  for (let session = 0; session < SESSIONS; session += 1) {
    const of = ends.filter(({ session_id }) => session_id === `s${session}`);
    expect(of.map(({ turn_id }) => turn_id)).toEqual(
      Array.from({ length: TURNS / SESSIONS }, (_, index) => `t${index * SESSIONS + session}`),
    );
  }
}, 400_000);
