import type { SessionOptions } from "@claude-edge/protocol";
import { expect, test } from "vitest";

import { liveChange } from "./live-change.js";

test.each<[SessionOptions, SessionOptions, unknown]>([
  [{}, {}, {}],
  [{ model: "a" }, { model: "a" }, {}],
  [{}, { model: "b" }, { model: "b" }],
  [{ model: "a" }, { model: "b", permissionMode: "plan" }, { model: "b", permissionMode: "plan" }],
  [{ permissionMode: "plan" }, { permissionMode: "default" }, { permissionMode: "default" }],
  // Said with each prompt.
  [{}, { verbatimPrompts: false }, {}],
  [{ maxTurns: 3, model: "a" }, { maxTurns: 3, model: "b" }, { model: "b" }],
])("a live process with %j can have %j", (from, to, change) => {
  expect(liveChange(from, to)).toEqual(change);
});

test.each<[string, SessionOptions, SessionOptions]>([
  ["another option", { maxTurns: 3 }, { maxTurns: 4 }],
  ["an option more", {}, { canUseTool: true }],
  ["an option less", { disallowedTools: ["Bash"] }, {}],
  ["a model unset", { model: "a" }, {}],
  ["a mode unset", { permissionMode: "plan" }, {}],
  ["permissions bypassed", { permissionMode: "plan" }, { permissionMode: "bypassPermissions" }],
])("a live process cannot have %s", (_name, from, to) => {
  expect(liveChange(from, to)).toBeUndefined();
});

test("one that bypasses permissions already goes on with that", () => {
  const options = { permissionMode: "bypassPermissions" } as const;
  expect(liveChange(options, { ...options, model: "b" })).toEqual({ model: "b" });
});
