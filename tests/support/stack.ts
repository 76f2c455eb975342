import { fileURLToPath } from "node:url";

import { ClaudeEdge, type ClientOptions } from "@claude-edge/client";
import { startLocal, type LocalOptions, type LocalStack } from "@claude-edge/local";
import { afterAll, beforeAll } from "vitest";

export const TEMPLATE: string = fileURLToPath(new URL("../../cli/template", import.meta.url));

/** A local stack of the template project, one for the file's tests. */
export interface TestStack {
  readonly stack: LocalStack;
  /** A client of one account; accounts keep tests of one file apart. */
  client(account?: string, options?: ClientOptions): ClaudeEdge;
  /** A plain request with the key. */
  fetch(path: string, init?: RequestInit & { json?: unknown; account?: string }): Promise<Response>;
}

/** Starts a stack before the file's tests and stops it after them. */
export function useStack(options: Partial<LocalOptions> = {}): TestStack {
  let running: LocalStack | undefined;
  const stack = () => running!;
  beforeAll(async () => {
    running = await startLocal({ project: TEMPLATE, model: "scripted", ...options });
  });
  afterAll(() => running?.stop());
  return {
    get stack() {
      return stack();
    },
    client: (account, extra) =>
      new ClaudeEdge({ baseURL: stack().url, token: stack().token, account, ...extra }),
    fetch(path, { json, account, headers, ...init } = {}) {
      const all = new Headers(headers);
      if (!all.has("authorization")) all.set("authorization", `Bearer ${stack().token}`);
      if (account) all.set("x-account-id", account);
      if (json !== undefined) all.set("content-type", "application/json");
      return fetch(`${stack().url}${path}`, {
        method: json === undefined ? "GET" : "POST",
        ...init,
        headers: all,
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
    },
  };
}
