import { useStack, type TestStack } from "../../../tests/support/stack.js";
import { useCli, type Run, type RunOptions } from "./run.js";

/** A deployment, and the CLI on it. */
export interface Accounts {
  edge: TestStack;
  empty: string;
  /** What makes the CLI act for an account. */
  envOf: (account: string) => Record<string, string>;
  cli: (account: string, args: string[], options?: RunOptions) => Promise<Run>;
}

/** Accounts keep the tests of one file apart. */
export function useAccounts(): Accounts {
  const edge = useStack();
  const { empty, run } = useCli();
  const envOf = (account: string) => ({
    CLAUDE_EDGE_URL: edge.stack.url,
    CLAUDE_EDGE_TOKEN: edge.stack.token,
    CLAUDE_EDGE_ACCOUNT: account,
  });
  return {
    edge,
    empty,
    envOf,
    cli: (account, args, options = {}) =>
      run(args, { ...options, env: { ...envOf(account), ...options.env } }),
  };
}
