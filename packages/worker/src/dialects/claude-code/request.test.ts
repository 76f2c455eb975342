import { expect, test } from "vitest";

import { claudeCodeRequest, optionsOf } from "./request.js";

const of = (fields: object) => optionsOf(claudeCodeRequest.parse({ prompt: "x", ...fields }));

test("fields are the session's options", () => {
  const fields = {
    model: "claude-haiku-4-5",
    maxTurns: 3,
    allowedTools: ["Bash(ls:*)"],
    disallowedTools: ["WebFetch"],
    permissionMode: "plan",
  };
  expect(of({ ...fields, verbose: true, stream: false, sessionId: "s" })).toEqual(fields);
});

test("without any the session has the agent's own", () => {
  expect(of({})).toEqual({});
  expect(of({ systemPrompt: "", appendSystemPrompt: "" })).toEqual({});
});

test("what is appended comes after the system prompt, or after Claude Code's", () => {
  const preset = { type: "preset", preset: "claude_code", append: "Rhyme." };
  expect(of({ appendSystemPrompt: "Rhyme." })).toEqual({ systemPrompt: preset });
  expect(of({ systemPrompt: "", appendSystemPrompt: "Rhyme." })).toEqual({ systemPrompt: preset });
  expect(of({ systemPrompt: "Be brief.", appendSystemPrompt: "Rhyme." })).toEqual({
    systemPrompt: "Be brief.\n\nRhyme.",
  });
});

test("arguments count before fields", () => {
  const additionalArgs = ["--model", "claude-haiku-4-5", "--append-system-prompt", "Rhyme."];
  expect(of({ model: "other", systemPrompt: "Be brief.", maxTurns: 2, additionalArgs })).toEqual({
    model: "claude-haiku-4-5",
    systemPrompt: "Be brief.\n\nRhyme.",
    maxTurns: 2,
  });
});
