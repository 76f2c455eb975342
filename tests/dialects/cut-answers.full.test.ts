import type { ClaudeEdgeError } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import { useCli } from "../../cli/test/support/run.js";
import { claudeCodeClient } from "../support/claude-code.js";
import { conversationsClient, textOf } from "../support/conversations.js";
import { type DialectStack } from "../support/dialects.js";
import { useStack } from "../support/stack.js";
import { studioOf } from "./studio-client.js";

const account = "cut-answers";
const SAID = "One two three four.";
/**
 * It is cut after it began, each time it is asked for a stream. Two seconds are for its beginning to arrive: Claude Code
 * asks for a stream again where nothing has.
 */
const CUT = `%cut 9 2000\n%say ${SAID}`;

const cli = useCli();
const direct = useStack();
const older = useStack("dialects") as unknown as DialectStack;

// Claude Code asks again, for a stream or for an answer in one piece, depending on how much had arrived: so the turn has
// the whole answer or has failed. Half of it is never told as a success.
describe("an agent whose model was cut off has the whole answer that came after it, or an error:", () => {
  test("query", async () => {
    const response = await older.fetch("/query", { json: { query: CUT }, account });
    const answer = (await response.json()) as { success: boolean };
    expect(answer).toMatchObject(answer.success ? { response: SAID } : { code: "model_error" });
  });

  test("claude-code", async () => {
    const body = { prompt: CUT, sessionId: "broken" };
    const last = (await claudeCodeClient(older).stream(body, { account })).at(-1)!;
    const whole = { is_error: false, result: SAID };
    expect(last).toMatchObject(last.type === "result" ? whole : { type: "error" });
  });

  test("conversations", async () => {
    const { begin, stream } = conversationsClient(older);
    const path = `/conversations/${await begin({}, { account })}`;
    const events = await stream(`${path}/stream`, { prompt: CUT }, { account });
    const failed = events.at(-1)!.type === "error";
    const end = failed
      ? [{ type: "error" }]
      : [{ type: "result", response: SAID }, { type: "done" }];
    expect(events.slice(-end.length)).toMatchObject(end);
    // What was said before the cut cannot be unsaid.
    const before = "(One two three)*";
    expect(textOf(events)).toMatch(new RegExp(failed ? `^${before}$` : `^${before}${SAID}$`));
  });

  test("studio", async () => {
    const types = (await studioOf(older, account).generate(CUT)).map(({ type }) => type);
    const failed = types.includes("error");
    expect(types.at(-1)).toBe(failed ? "error" : "complete");
  });

  test("the client and the CLI", async () => {
    const session = await direct.client(account).sessions.create();
    const outcome = await session
      .send(CUT)
      .result()
      .catch((error: ClaudeEdgeError) => ({ text: error.code }));
    expect([SAID, "model_error"]).toContain(outcome.text);
    const { url, token } = direct.stack;
    const env = { CLAUDE_EDGE_URL: url, CLAUDE_EDGE_TOKEN: token };
    const args = ["query", CUT, "--account", account, "-r", session.id];
    const { code, stdout } = await cli.run(args, { env });
    const told = code === 0 ? stdout.split("\n").at(-2) : `exit ${code}`;
    expect([SAID, "exit 7"]).toContain(told);
  });
});
