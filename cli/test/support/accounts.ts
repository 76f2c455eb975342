import { useStack, type TestStack } from "../../../tests/support/stack.js";
import { useCli, type Run, type RunOptions } from "./run.js";

/** A deployment, and the CLI on it. */
export interface Accounts {
  edge: TestStack;
  empty: string;
  /** What makes the CLI act for an account. */
  envOf: (account: string) => Record<string, string>;
  cli: (account: string, args: string[], options?: RunOptions) => Promise<Run>;
  cliProcess: (account: string, args: string[], options?: RunOptions) => Promise<Run>;
}

/** The deployment is shared by all files: each has accounts of its own, whose names begin with the file's. */
export function useAccounts(file: string): Accounts {
  const shared = useStack();
  const { empty, run, runProcess } = useCli();
  const named = (account = "default") => `${file}-${account}`;
  const edge: TestStack = {
    get stack() {
      return shared.stack;
    },
    client: (account, options) => shared.client(named(account), options),
    fetch: (path, { account, ...init } = {}) =>
      shared.fetch(path, { ...init, account: named(account) }),
    asked: shared.asked,
  };
  const envOf = (account: string) => ({
    CLAUDE_EDGE_URL: edge.stack.url,
    CLAUDE_EDGE_TOKEN: edge.stack.token,
    CLAUDE_EDGE_ACCOUNT: named(account),
  });
  const within = (account: string, options: RunOptions = {}): RunOptions => ({
    ...options,
    env: { ...envOf(account), ...options.env },
  });
  return {
    edge,
    empty,
    envOf,
    cli: (account, args, options) => run(args, within(account, options)),
    cliProcess: (account, args, options) => runProcess(args, within(account, options)),
  };
}
