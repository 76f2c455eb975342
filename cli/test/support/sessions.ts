import { useStack, type TestStack } from "../../../tests/support/stack.js";
import { useCli, type Run, type RunOptions } from "./run.js";

/** The objects of an output that has one a line. */
export const linesOf = <Line>(stdout: string): Line[] =>
  stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

/** A stack, and `claude-edge sessions` on it; accounts keep the tests of one file apart. */
export function useSessions(): {
  edge: TestStack;
  empty: string;
  envOf: (account: string) => Record<string, string>;
  cli: (account: string, args: string[], options?: RunOptions) => Promise<Run>;
  sessions: (account: string, args: string[], options?: RunOptions) => Promise<Run>;
  /** The id of a session in which these prompts were answered. */
  talked: (account: string, ...prompts: string[]) => Promise<string>;
  isThere: (account: string, id: string) => Promise<boolean>;
} {
  const edge = useStack();
  const { empty, run } = useCli();
  const envOf = (account: string) => ({
    CLAUDE_EDGE_URL: edge.stack.url,
    CLAUDE_EDGE_TOKEN: edge.stack.token,
    CLAUDE_EDGE_ACCOUNT: account,
  });
  const cli = (account: string, args: string[], options: RunOptions = {}) =>
    run(args, { ...options, env: { ...envOf(account), ...options.env } });
  return {
    edge,
    empty,
    envOf,
    cli,
    sessions: (account, args, options) => cli(account, ["sessions", ...args], options),
    async talked(account, ...prompts) {
      const session = await edge.client(account).sessions.create({ permissionMode: "dontAsk" });
      for (const prompt of prompts) await session.send(prompt);
      return session.id;
    },
    isThere: async (account, id) => (await edge.fetch(`/v1/sessions/${id}`, { account })).ok,
  };
}
