import { expect, test } from "vitest";

import { useOwnStack } from "../support/stack.js";

const edge = useOwnStack({ vars: { CLAUDE_EDGE_OBJECT_MIB: "4" } });
const full = { code: "storage_full", status: 507, retryable: false };

test("a session that fills up refuses prompts, keeps what it has, and makes room by its deletion", async () => {
  const session = await edge.client("filling").sessions.create();
  let turns = 0;
  let refused: unknown;
  for (; turns < 20 && refused === undefined; turns += 1) {
    const turn = session.send(`%bytes 300000\n%say Turn ${turns}.`);
    refused = await turn.result().then(
      () => undefined,
      (error: unknown) => error,
    );
  }
  expect(turns).toBeGreaterThan(2);
  expect(refused).toMatchObject({
    ...full,
    suggestion: expect.stringContaining("Delete sessions"),
  });
  const kept = [];
  for await (const { status } of session.turns()) kept.push(status);
  expect(kept).toEqual(Array.from({ length: turns - 1 }, () => "completed"));
  await session.delete();
  expect((await edge.client("filling").query("%say Elsewhere.")).text).toBe("Elsewhere.");
});

test("a turn that fills up all of it is ended, and its session can be deleted", async () => {
  const session = await edge.client("bursting").sessions.create();
  const turn = session.send("%bytes 3000000\n%wait 3000\n%say Never.");
  await expect(turn.result()).rejects.toMatchObject({ code: "storage_full" });
  await expect(session.send("%say More.").result()).rejects.toMatchObject(full);
  expect((await session.retrieve()).status).toBe("idle");
  await session.delete();
});
