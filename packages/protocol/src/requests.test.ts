import { describe, expect, test } from "vitest";

import { updateLimitsRequest } from "./account-limits.js";
import { MAX_ATTACHMENTS } from "./files.js";
import {
  answerRequest,
  controlRequest,
  createSessionRequest,
  createTokenRequest,
  createTurnRequest,
  queryRequest,
  rewindSessionRequest,
} from "./requests.js";
import { MAX_TOKEN_LIFE_S } from "./tokens.js";

type Schema = { safeParse(value: unknown): { success: boolean } };
const isTaken = (schema: Schema, value: unknown) => schema.safeParse(value).success;

const ID = "6ff168f4-104f-4591-9476-c83ee836d8ac";
const image = { type: "image", source: { type: "base64", data: "", media_type: "image/png" } };

describe("a body", () => {
  test.each<[string, Schema, unknown]>([
    ["a prompt", queryRequest, { prompt: "x" }],
    [
      "an empty prompt, which is refused elsewhere, with a code of its own",
      queryRequest,
      { prompt: "" },
    ],
    ["content blocks", queryRequest, { prompt: [{ type: "text", text: "x" }, image] }],
    [
      "everything of a query",
      queryRequest,
      {
        accountId: "ada",
        prompt: "x",
        session_id: ID,
        title: "T",
        tags: ["a"],
        options: {},
        on_container_lost: "resume",
        approval_timeout_ms: 1,
        attachments: [{ path: "a/b.md" }, { name: "page.pdf", data: "AAAA" }],
      },
    ],
    ["a title of 200 characters", createSessionRequest, { title: "x".repeat(200) }],
    [
      "20 tags of 50",
      createSessionRequest,
      { tags: Array.from({ length: 20 }, () => "x".repeat(50)) },
    ],
    ["a rewind to the beginning", rewindSessionRequest, { turn_id: null }],
    ["a rewind of files alone", rewindSessionRequest, { checkpoint: 0 }],
    ["an answer", answerRequest, { answer: { behavior: "allow" }, by: "ada" }],
    ["a failed callback", answerRequest, { error: { message: "x" } }],
    ["a control call", controlRequest, { method: "setModel", args: ["x"] }],
    ["a token that never ends", createTokenRequest, { expires_in: "never" }],
    ["a token of the longest life", createTokenRequest, { expires_in: MAX_TOKEN_LIFE_S }],
    [
      "limits of an account",
      updateLimitsRequest,
      { max_queued_turns: 0, max_sessions: "none", dollars_per_day: 0.5, tokens_per_day: null },
    ],
  ])("with %s is taken", (_what, schema, value) => {
    expect(isTaken(schema, value)).toBe(true);
  });

  test.each<[string, Schema, unknown]>([
    ["no prompt", queryRequest, {}],
    ["a prompt of the wrong type", queryRequest, { prompt: 5 }],
    [
      "a text block without its text, on which the agent waits for ever",
      queryRequest,
      { prompt: [{ type: "text" }] },
    ],
    ["a block without a type", queryRequest, { prompt: [{ text: "x" }] }],
    ["an unknown field", queryRequest, { prompt: "x", promt: "y" }],
    ["an unknown option", queryRequest, { prompt: "x", options: { modle: "y" } }],
    ["a list", queryRequest, []],
    ["null", queryRequest, null],
    ["a session id that is a path", queryRequest, { prompt: "x", session_id: "../etc" }],
    ["a session id in upper case", queryRequest, { prompt: "x", session_id: ID.toUpperCase() }],
    ["a turn id that is none", createTurnRequest, { prompt: "x", id: "1" }],
    ["an account's name with a slash", queryRequest, { prompt: "x", accountId: "a/b" }],
    [
      "an account's name of 129 characters",
      queryRequest,
      { prompt: "x", accountId: "a".repeat(129) },
    ],
    ["an empty title", createSessionRequest, { title: "" }],
    ["a title of 201 characters", createSessionRequest, { title: "x".repeat(201) }],
    ["21 tags", createSessionRequest, { tags: Array.from({ length: 21 }, () => "x") }],
    ["a tag of 51 characters", createSessionRequest, { tags: ["x".repeat(51)] }],
    ["an empty tag", createSessionRequest, { tags: [""] }],
    ["another way with lost containers", createSessionRequest, { on_container_lost: "ignore" }],
    ["no time for approvals", createSessionRequest, { approval_timeout_ms: 0 }],
    ["half a millisecond for approvals", createSessionRequest, { approval_timeout_ms: 0.5 }],
    ["more than a century for approvals", createSessionRequest, { approval_timeout_ms: 1e15 }],
    [
      "an attachment outside the workspace",
      queryRequest,
      { prompt: "x", attachments: [{ path: "../x" }] },
    ],
    [
      "an attachment whose name is a path",
      queryRequest,
      { prompt: "x", attachments: [{ name: "a/b", data: "" }] },
    ],
    [
      "an attachment that is no base64",
      queryRequest,
      { prompt: "x", attachments: [{ name: "a", data: "%" }] },
    ],
    [
      "an attachment that is both",
      queryRequest,
      { prompt: "x", attachments: [{ path: "a", name: "a", data: "" }] },
    ],
    [
      "too many attachments",
      queryRequest,
      {
        prompt: "x",
        attachments: Array.from({ length: MAX_ATTACHMENTS + 1 }, () => ({ path: "a" })),
      },
    ],
    ["a rewind to nowhere", rewindSessionRequest, {}],
    ["a rewind to two places", rewindSessionRequest, { turn_id: null, checkpoint: 1 }],
    ["a rewind to no checkpoint", rewindSessionRequest, { checkpoint: -1 }],
    ["an answer that is a text", answerRequest, { answer: "yes" }],
    ["an error with more than a message", answerRequest, { error: { message: "x", stack: "y" } }],
    ["an unknown method", controlRequest, { method: "constructor" }],
    ["arguments that are no list", controlRequest, { method: "setModel", args: "x" }],
    ["a scope that there is not", createTokenRequest, { scopes: ["root"] }],
    ["no scope at all", createTokenRequest, { scopes: [] }],
    ["a token that has expired", createTokenRequest, { expires_in: 0 }],
    ["a token that lives too long", createTokenRequest, { expires_in: MAX_TOKEN_LIFE_S + 1 }],
    ["a token's life in words", createTokenRequest, { expires_in: "90d" }],
    ["no turn at a time", updateLimitsRequest, { max_concurrent_turns: 0 }],
    ["turns without limit", updateLimitsRequest, { max_concurrent_turns: "none" }],
    ["a debt", updateLimitsRequest, { dollars_per_day: -1 }],
    ["half a session", updateLimitsRequest, { max_sessions: 0.5 }],
    ["a limit that there is not", updateLimitsRequest, { max_files: 1 }],
  ])("with %s is refused", (_what, schema, value) => {
    expect(isTaken(schema, value)).toBe(false);
  });

  test("says in words what its titles, ids and lives must be", () => {
    const said = (schema: typeof createSessionRequest | typeof createTokenRequest, value: object) =>
      schema.safeParse(value).error?.issues[0]?.message;
    expect(said(createSessionRequest, { title: "" })).toBe("must be 1 to 200 characters");
    expect(said(createSessionRequest, { title: 5 })).toBe("must be 1 to 200 characters");
    expect(said(createSessionRequest, { id: "x" })).toBe("must be a lower-case UUID");
    expect(said(createTokenRequest, { expires_in: 0 })).toContain("whole number of seconds");
  });
});
