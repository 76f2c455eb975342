import { ClaudeEdge } from "@claude-edge/client";
import { mintToken, type MintTokenOptions } from "@claude-edge/client/tokens";

import { signWith, type Signing } from "./signing.js";
import type { TestStack } from "./stack.js";

export { claims, keyOf, now, part } from "./signing.js";

export const UNAUTHORIZED = { status: 401, code: "unauthorized" };
export const FORBIDDEN = { status: 403, code: "forbidden" };

/** What became of a request: its status, and its error if it is one. */
export async function outcome(
  response: Response,
): Promise<{ status: number; code?: string; message?: string }> {
  const { status } = response;
  const body = (await response.json()) as { error?: { code: string; message: string } };
  return body.error ? { status, code: body.error.code, message: body.error.message } : { status };
}

/** All that a list holds. */
export async function all<Item>(list: AsyncIterable<Item>): Promise<Item[]> {
  const items = [];
  for await (const item of list) items.push(item);
  return items;
}

export interface TokenStack<Stack extends TestStack> {
  edge: Stack;
  /** A request with a token. */
  ask(token: string, path: string, init?: Parameters<TestStack["fetch"]>[1]): Promise<Response>;
  /** A client that holds a token. */
  holder(token: string): ClaudeEdge;
  /** As a backend mints them; for the account `ada` unless told otherwise. */
  mint(options?: Partial<MintTokenOptions>): Promise<string>;
  /** A token of any claims. */
  sign(claims: object, how?: Signing): string;
}

/** A stack, and tokens of its root key. */
export function useTokens<Stack extends TestStack>(edge: Stack): TokenStack<Stack> {
  return {
    edge,
    ask: (token, path, init = {}) =>
      edge.fetch(path, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } }),
    holder: (token) => new ClaudeEdge({ baseURL: edge.stack.url, token, maxRetries: 0 }),
    mint: (options) => mintToken({ rootKey: edge.stack.token, account: "ada", ...options }),
    sign: (of, how) => signWith(edge.stack.token, of, how),
  };
}
