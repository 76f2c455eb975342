import type { PermissionMode, SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import { expect, test } from "vitest";

import { modeChange } from "./mode-change.js";

const system = (subtype: string, permissionMode?: string) =>
  ({ type: "system", subtype, permissionMode }) as unknown as SDKMessage;

test.each<[string, SDKMessage, PermissionMode | undefined, unknown]>([
  ["a plan was approved", system("status", "default"), "plan", { from: "plan", to: "default" }],
  ["the agent plans", system("status", "plan"), undefined, { from: null, to: "plan" }],
  ["what was asked for", system("status", "plan"), "plan", undefined],
  ["a status of something else", system("status"), "plan", undefined],
  [
    "what was asked for at the start is not to be had",
    system("init", "default"),
    "auto",
    { from: "auto", to: "default" },
  ],
  ["the start of one that asked for nothing", system("init", "default"), undefined, undefined],
  ["another kind of system message", system("informational", "default"), "plan", undefined],
  [
    "another kind of message",
    { ...system("status", "default"), type: "user" } as unknown as SDKMessage,
    "plan",
    undefined,
  ],
])("%s", (_what, message, known, change) => {
  expect(modeChange(message, known)).toEqual(change);
});
