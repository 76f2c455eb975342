import type { SessionResource } from "@claude-edge/client";
import { mintToken, type MintTokenOptions } from "@claude-edge/client/tokens";
import { isTerminal } from "@claude-edge/protocol";

import { useStack, type TestStack } from "./stack.js";
import { all } from "./tokens.js";
import { until } from "./wait.js";

/** A stack that speaks the older dialects. */
export interface DialectStack extends TestStack {
  /** A token of an account. */
  mint(account: string, options?: Partial<MintTokenOptions>): Promise<string>;
  /** Resolves when the model has been asked something that holds a text. */
  untilAsked(text: string): Promise<unknown>;
  /** An account's newest session. */
  newest(account: string): Promise<SessionResource>;
  /** What the model was told last of a tool that it called. */
  lastToolResult(): unknown;
  /** Ends the newest container without warning. */
  killContainer(): Promise<void>;
  /** What an account's newest turn came to, once it has ended. */
  untilEnded(account: string): Promise<string>;
}

export function useDialects(names: string, vars: Record<string, string> = {}): DialectStack {
  const edge = useStack({ vars: { CLAUDE_EDGE_DIALECTS: names, ...vars } });
  return Object.assign(edge, {
    mint: (account: string, options?: Partial<MintTokenOptions>) =>
      mintToken({ rootKey: edge.stack.token, account, ...options }),
    untilAsked: (text: string) =>
      until(`the model is asked ${text}`, () =>
        edge.stack.model!.requests.some(({ body }) => JSON.stringify(body.messages).includes(text)),
      ),
    newest: async (account: string) =>
      (await all(edge.client(account).sessions.list({ limit: 1 })))[0]!,
    lastToolResult: () =>
      edge.stack
        .model!.requests.at(-1)!
        .body.messages.flatMap(({ content }) => (typeof content === "string" ? [] : content))
        .findLast(({ type }) => type === "tool_result"),
    killContainer: async () => edge.stack.killContainer(edge.stack.containers().at(-1)!.name),
    untilEnded: (account: string) =>
      until(`the turn of ${account} ends`, async () => {
        const { sessions } = edge.client(account);
        const [newest] = await all(sessions.list({ limit: 1 }));
        const events = await all(sessions.open(newest!.id).events({ follow: false }));
        return events.find((event) => isTerminal(event))?.status;
      }),
  });
}

/** Bodies that are wrong for every route that takes a prompt, under the name it has there. */
export const wrongBodies = (
  prompt: string,
): [what: string, body: unknown, status: number, code: string][] => [
  ["an empty prompt", { [prompt]: "" }, 400, "prompt_empty"],
  ["a prompt of blanks", { [prompt]: " \n\t" }, 400, "prompt_empty"],
  ["a prompt that is too long", { [prompt]: "é".repeat(600_000) }, 413, "prompt_too_long"],
  ["a body that is too large", { [prompt]: "x".repeat(9 * 1024 * 1024) }, 413, "body_too_large"],
  ["a prompt of the wrong type", { [prompt]: 5 }, 400, "invalid_request"],
  ["a prompt that is null", { [prompt]: null }, 400, "invalid_request"],
  ["an unknown field", { [prompt]: "x", promt: "y" }, 400, "invalid_request"],
  ["a list", [], 400, "invalid_request"],
  ["null", null, 400, "invalid_request"],
  ["a text", "x", 400, "invalid_request"],
];
