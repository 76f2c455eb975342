import { APIError } from "@anthropic-ai/sdk";
import { query, type ClaudeEdgeError } from "@claude-edge/client";
import { beforeAll, describe, expect, test } from "vitest";

import { useCli } from "../../cli/test/support/run.js";
import { anthropic, ask, failure } from "../support/anthropic.js";
import { claudeCodeClient } from "../support/claude-code.js";
import { conversationsClient } from "../support/conversations.js";
import type { DialectStack } from "../support/dialects.js";
import { useStack } from "../support/stack.js";
import { studioOf } from "./studio-client.js";

const account = "broken-answers";
const SAID = "One two three four.";
/** The model says half of it and then `overloaded`, each time it is asked. */
const FAILS = `%fail overloaded_error\n%say ${SAID}`;
/** It is cut a moment after it began, each time it is asked for a stream. */
const CUT = `%cut 9 200\n%say ${SAID}`;

const cli = useCli();
const direct = useStack();
const throughClaudeCode = useStack("oauth");
const older = useStack("dialects") as unknown as DialectStack;
const studio = useStack("dialects");

describe.each([
  [FAILS, 529, "model_overloaded"],
  [CUT, 502, "model_error"],
])("through the Messages API a broken answer is an error: %s", (prompt, status, code) => {
  test.each([
    ["passed on", direct],
    ["through Claude Code", throughClaudeCode],
  ])("%s, streamed", async (_how, edge) => {
    const seen: string[] = [];
    const stream = anthropic(edge)
      .messages.stream(ask(prompt))
      .on("streamEvent", ({ type }) => seen.push(type));
    expect(await failure(stream.finalMessage())).toBeInstanceOf(Error);
    expect(seen[0]).toBe("message_start");
    expect(seen).not.toContain("message_delta");
    expect(seen).not.toContain("message_stop");
  });

  test("through Claude Code, in one piece", async () => {
    const messages = anthropic(throughClaudeCode).messages;
    const error = await failure<APIError>(messages.create(ask(prompt)));
    expect(error).toBeInstanceOf(APIError);
    expect(error.status).toBe(status);
    expect(error.error).toMatchObject({ error: { code } });
  });
});

describe("an agent that the model fails each time has failed:", () => {
  const code = "model_overloaded";

  test("query", async () => {
    const response = await older.fetch("/query", { json: { query: FAILS }, account });
    expect(response.status).toBe(503);
    const answer: unknown = await response.json();
    expect(answer).toMatchObject({ success: false, code });
    expect(answer).not.toHaveProperty("response");
  });

  test("claude-code, as lines and as JSON", async () => {
    const { stream, whole } = claudeCodeClient(older);
    const body = { prompt: FAILS, sessionId: "broken" };
    const lines = await stream(body, { account });
    expect(lines.at(-1)).toMatchObject({ type: "error", error: code });
    expect(lines.map(({ type }) => type)).not.toContain("result");
    expect(await whole(body, { account })).toMatchObject({ status: 503, type: "error", code });
  });

  test("conversations, as events and as JSON", async () => {
    const { begin, call, stream } = conversationsClient(older);
    const path = `/conversations/${await begin({}, { account })}`;
    const events = await stream(`${path}/stream`, { prompt: FAILS }, { account });
    expect(events.at(-1)).toMatchObject({ type: "error", code });
    expect(events.map(({ type }) => type)).not.toContain("done");
    const answer = await call(`${path}/messages`, { prompt: FAILS }, { account });
    expect(answer).toMatchObject({ status: 503, code });
    expect(answer).not.toHaveProperty("response");
  });

  test("studio", async () => {
    const events = await studioOf(studio, account).generate(FAILS);
    expect(events.at(-1)).toMatchObject({ type: "error", code });
    expect(events.map(({ type }) => type)).not.toContain("complete");
  });
});

describe("the client and the CLI", () => {
  let session = "";
  beforeAll(async () => void (session = (await direct.client(account).sessions.create()).id));

  const viaCli = (prompt: string) =>
    cli.run(["query", prompt, "--account", account, "-r", session], {
      env: { CLAUDE_EDGE_URL: direct.stack.url, CLAUDE_EDGE_TOKEN: direct.stack.token },
    });

  test("say that the model failed", async () => {
    const turn = direct.client(account).sessions.open(session).send(FAILS);
    const error = await failure<ClaudeEdgeError>(turn);
    expect(error).toMatchObject({ name: "TurnError", code: "model_overloaded" });

    const results: unknown[] = [];
    const read = async () => {
      const edge = { baseURL: direct.stack.url, token: direct.stack.token, account };
      for await (const message of query({ prompt: FAILS, options: { resume: session }, edge })) {
        if (message.type === "result") results.push(message);
      }
    };
    expect((await failure(read())).message).toContain("Claude Code returned an error result");
    expect(results).toMatchObject([{ is_error: true, api_error_status: 529 }]);

    const { code, stdout, stderr } = await viaCli(FAILS);
    expect(code).toBe(7);
    expect(stderr).toContain("fix: ");
    expect(stdout).not.toContain("four");
  });
});
