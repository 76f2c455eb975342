import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { sessionOptions } from "@claude-edge/protocol";
import { describe, expect, it } from "vitest";

import { parityPage } from "../../../tests/parity/document.ts";
import { METHODS, OPTIONS } from "../src/agent/parity.js";

const require = createRequire(new URL("../../runner/package.json", import.meta.url));
const folder = dirname(require.resolve("@anthropic-ai/claude-agent-sdk"));
const declarations = readFileSync(join(folder, "sdk.d.ts"), "utf8");

/** The members that a declaration of the Agent SDK has, optional or methods. */
function members(start: string, end: string, member: RegExp): string[] {
  const from = declarations.indexOf(start);
  if (from < 0) throw new Error(`${start} is no longer declared`);
  const body = declarations.slice(from, declarations.indexOf(end, from));
  return [...body.matchAll(member)].map(([, name]) => name!).toSorted();
}

describe("the parity table", () => {
  it("has every option of the pinned Agent SDK, and no other", () => {
    const options = members("export declare type Options = {", "\n};", /^ {4}(\w+)\??:/gm);
    expect(options.length).toBeGreaterThan(60);
    expect(Object.keys(OPTIONS).toSorted()).toEqual(options);
  });

  it("has every method of its Query, and no other", () => {
    const methods = members(
      "export declare interface Query extends AsyncGenerator",
      "\n}",
      /^ {4}(\w+)\(/gm,
    );
    expect(methods.length).toBeGreaterThan(25);
    expect(Object.keys(METHODS).toSorted()).toEqual(methods);
  });

  it("agrees with what a session takes", () => {
    const taken = new Set(Object.keys(sessionOptions.shape));
    for (const name of taken) {
      const parity = OPTIONS[name as keyof typeof OPTIONS];
      expect([name, parity.class]).not.toEqual([name, "refused"]);
    }
    // Each of these becomes a call, or a setting of its own.
    const calls = ["abortController", "continue", "forkSession", "includePartialMessages"];
    const settings = ["resume", "resumeSessionAt", "sessionId", "title"];
    const rest = Object.entries(OPTIONS)
      .filter(([name, parity]) => parity.class !== "refused" && !taken.has(name))
      .map(([name]) => name);
    expect(rest.toSorted()).toEqual([...calls, ...settings].toSorted());
  });

  it("is what docs/parity.md says", () => {
    const page = readFileSync(new URL("../../../docs/parity.md", import.meta.url), "utf8");
    const plain = (text: string) => text.replaceAll(/ {2,}|-{2,}/g, " ").replaceAll(/ +\|/g, " |");
    expect(plain(page)).toBe(plain(parityPage()));
  });
});
