import type { SessionResource } from "@claude-edge/client";
import { mintToken, type MintTokenOptions } from "@claude-edge/client/tokens";
import { isTerminal } from "@claude-edge/protocol";

import { useStack, type SharedTestStack } from "./stack.js";
import { all } from "./tokens.js";
import { until } from "./wait.js";

/** The stack that speaks the older dialects. */
export interface DialectStack extends SharedTestStack {
  /** A token of an account. */
  mint(account: string, options?: Partial<MintTokenOptions>): Promise<string>;
  /** Resolves when the model has been asked something that holds a text. */
  untilAsked(text: string): Promise<unknown>;
  /** An account's newest session. */
  newest(account: string): Promise<SessionResource>;
  /** What the model was told last of a tool that it called, in the conversation that holds a text. */
  lastToolResult(text: string): Promise<unknown>;
  /** Ends the container of an account's newest session without warning. */
  killContainer(account: string): Promise<void>;
  /** What an account's newest turn came to, once it has ended. */
  untilEnded(account: string): Promise<string>;
}

export function useDialects(): DialectStack {
  const edge = useStack("dialects");
  const newest = async (account: string) =>
    (await all(edge.client(account).sessions.list({ limit: 1 })))[0]!;
  return Object.assign(edge, {
    newest,
    mint: (account: string, options?: Partial<MintTokenOptions>) =>
      mintToken({ rootKey: edge.stack.token, account, ...options }),
    untilAsked: (text: string) =>
      until(`the model is asked ${text}`, async () => (await edge.asked(text)).length > 0),
    lastToolResult: async (text: string) =>
      (await edge.asked(text))
        .at(-1)!
        .body.messages.flatMap(({ content }) => (typeof content === "string" ? [] : content))
        .findLast(({ type }) => type === "tool_result"),
    killContainer: async (account: string) => edge.killContainerOf((await newest(account)).id),
    untilEnded: (account: string) =>
      until(`the turn of ${account} ends`, async () => {
        const { id } = await newest(account);
        const events = await all(edge.client(account).sessions.open(id).events({ follow: false }));
        const last = events.findLast(({ kind }) => kind === "turn")!;
        return isTerminal(last) ? last.status : undefined;
      }),
  });
}
