import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";

import * as sdk from "@anthropic-ai/claude-agent-sdk";
import { sessionOptions } from "@claude-edge/protocol";
import { describe, expect, it } from "vitest";

import { parityPage } from "../../../../tests/parity/document.ts";
import { surfaceOf } from "../../../../tests/parity/surface.ts";
import * as entry from "../agent-sdk.js";
import { EXPORTS } from "./exports.js";
import { HOOKS, METHODS, OPTIONS } from "./parity.js";

const require = createRequire(new URL("../../../runner/package.json", import.meta.url));
const surface = surfaceOf(dirname(require.resolve("@anthropic-ai/claude-agent-sdk")));

describe("the parity table", () => {
  it("has every option of the pinned Agent SDK, and no other", () => {
    expect(surface.options.length).toBeGreaterThan(60);
    expect(Object.keys(OPTIONS).toSorted()).toEqual(surface.options);
  });

  it("has every method of its Query, and no other", () => {
    expect(surface.methods.length).toBeGreaterThan(25);
    expect(Object.keys(METHODS).toSorted()).toEqual(surface.methods);
  });

  it("has every hook event, and no other", () => {
    expect(surface.hooks.length).toBeGreaterThan(30);
    expect(Object.keys(HOOKS).toSorted()).toEqual(surface.hooks);
  });

  it("has every value of its entry, and no other", () => {
    expect(surface.values.length).toBeGreaterThan(30);
    expect(Object.keys(EXPORTS).toSorted()).toEqual(surface.values);
  });

  it("says what the entry in its place exports", () => {
    const there = Object.entries(EXPORTS).filter(([, parity]) => parity.class !== "absent");
    expect(Object.keys(entry).toSorted()).toEqual(there.map(([name]) => name).toSorted());
    for (const [name, parity] of there) {
      const [ours, theirs] = [entry, sdk].map((module) => Reflect.get(module, name) as unknown);
      const isTheirs = ours === theirs;
      expect([name, isTheirs]).toEqual([name, parity.class === "passed"]);
    }
  });

  it("agrees with what a session takes", () => {
    const taken = new Set(Object.keys(sessionOptions.shape));
    // Our own, and a flag and a variable of Claude Code's: `extraArgs` and `env` ask for them.
    for (const own of [
      "network",
      "repositories",
      "secrets",
      "replayUserMessages",
      "sessionStateEvents",
    ]) {
      expect(taken.delete(own)).toBe(true);
    }
    for (const name of taken) {
      const parity = OPTIONS[name as keyof typeof OPTIONS];
      expect([name, "reason" in parity]).toEqual([name, false]);
    }
    // Each of these becomes a call, or a setting of its own.
    const calls = ["abortController", "continue", "forkSession", "includePartialMessages"];
    const ends = ["enableFileCheckpointing", "persistSession"];
    const settings = ["resume", "resumeSessionAt", "sessionId", "title"];
    const rest = Object.entries(OPTIONS)
      .filter(([name, parity]) => !("reason" in parity) && !taken.has(name))
      .map(([name]) => name);
    expect(rest.toSorted()).toEqual([...calls, ...ends, ...settings].toSorted());
  });

  it("is what docs/parity.md says", () => {
    const page = readFileSync(new URL("../../../../docs/parity.md", import.meta.url), "utf8");
    const plain = (text: string) => text.replaceAll(/ {2,}|-{2,}/g, " ").replaceAll(/ +\|/g, " |");
    expect(plain(page)).toBe(plain(parityPage()));
  });
});
