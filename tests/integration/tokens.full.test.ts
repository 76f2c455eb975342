import { TOKEN_LEEWAY_S } from "@claude-edge/protocol";
import { expect, test } from "vitest";

import { useOwnStack } from "../support/stack.js";
import { claims, now, outcome, UNAUTHORIZED, useTokens } from "../support/tokens.js";
import { until } from "../support/wait.js";

let printed = "";
const edge = useOwnStack({ onLog: (_source, text) => void (printed += text) });
const { ask, holder, mint, sign } = useTokens(edge);

const OK = { status: 200 };

test("a token that expires ends what is being read with it", async () => {
  const owner = edge.client("expiring");
  const session = await owner.sessions.create();
  // It holds for as long as clocks may be apart, of which a few seconds are left.
  const token = sign(claims({ sub: "expiring", exp: now() - TOKEN_LEEWAY_S + 5 }));
  const headers = { accept: "text/event-stream" };
  const stream = await ask(token, `/v1/sessions/${session.id}/events`, { headers });
  const read = stream.text().catch(() => "");
  const isOver = () =>
    Promise.race([read.then(() => true), session.send("%say x").then(() => false)]);
  await until("the stream has ended", isOver);
  expect(await read).toContain('"status":"queued"');
  expect(await outcome(await ask(token, "/v1/sessions"))).toMatchObject(UNAUTHORIZED);
});

test("a revoked token opens nothing after a restart either", async () => {
  const { tokens } = edge.client("ada");
  const [gone, kept] = [await tokens.create(), await tokens.create()];
  const revoked = await tokens.revoke(gone.id);
  await edge.stack.restartWorker();
  expect(await outcome(await ask(gone.token, "/v1/sessions"))).toMatchObject({
    ...UNAUTHORIZED,
    message: "The token was revoked.",
  });
  expect(await outcome(await ask(kept.token, "/v1/sessions"))).toEqual(OK);
  expect(await tokens.revoke(gone.id)).toEqual(revoked);
});

test("no token, and no key, is in what Worker and container print", async () => {
  expect((await holder(await mint()).query("%say Mine.")).text).toBe("Mine.");
  for (const bad of [`${await mint()}x`, sign(claims({ exp: 5 })), sign(claims({ sub: "a/b" }))]) {
    expect(await outcome(await ask(bad, "/v1/sessions"))).toMatchObject(UNAUTHORIZED);
  }
  expect(printed).not.toBe("");
  expect(printed).not.toContain("eyJ");
  expect(printed).not.toContain(edge.stack.token);
});
