import { useAccounts, type Accounts } from "./accounts.js";
import type { Run, RunOptions } from "./run.js";

/** The objects of an output that has one a line. */
export const linesOf = <Line>(stdout: string): Line[] =>
  stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

/** A deployment, and `claude-edge sessions` on it. */
export function useSessions(file: string): Accounts & {
  sessions: (account: string, args: string[], options?: RunOptions) => Promise<Run>;
  /** The id of a session without turns: nothing has to run for it. */
  made: (account: string, title?: string) => Promise<string>;
  /** The id of a session in which these prompts were answered. */
  talked: (account: string, ...prompts: string[]) => Promise<string>;
  isThere: (account: string, id: string) => Promise<boolean>;
} {
  const accounts = useAccounts(file);
  const { edge, cli } = accounts;
  return {
    ...accounts,
    sessions: (account, args, options) => cli(account, ["sessions", ...args], options),
    made: async (account, title) => (await edge.client(account).sessions.create({ title })).id,
    async talked(account, ...prompts) {
      const session = await edge.client(account).sessions.create({ permissionMode: "dontAsk" });
      for (const prompt of prompts) await session.send(prompt);
      return session.id;
    },
    isThere: async (account, id) => (await edge.fetch(`/v1/sessions/${id}`, { account })).ok,
  };
}
