import type { RequestResource } from "@claude-edge/client";

import type { TestStack } from "../../../tests/support/stack.js";
import { until } from "../../../tests/support/wait.js";
import { useAccounts } from "./accounts.js";
import type { Run } from "./run.js";
import { openScreen, openTerminal, type Terminal } from "./terminal.js";

/** A call of a tool, in the scripted model's words. */
export const tool = (name: string, input: unknown): string =>
  `%tool ${name} ${JSON.stringify(input)}\n`;

export const COMMAND = "echo hi > x.txt; cat x.txt";
export const BASH: string = `${tool("Bash", { command: COMMAND })}%say Done.`;

/** The template's agent accepts edits by itself, and with them commands that write into its workspace. */
export const ASKING = ["--permission-mode", "default"];

const question = (name: string, choices: string[], multiSelect: boolean) => ({
  question: name,
  header: name.split(" ").at(-1)!.slice(0, -1),
  options: choices.map((label) => ({ label, description: `${label} it is` })),
  multiSelect,
});
export const COLOUR: ReturnType<typeof question> = question(
  "Which colour?",
  ["Red", "Blue"],
  false,
);
export const SIZES: ReturnType<typeof question> = question("Which sizes?", ["S", "M"], true);

export const questions = (...asked: unknown[]): string =>
  `${tool("AskUserQuestion", { questions: asked })}%say Done.`;

/** A deployment, and what waits for an answer there. */
export function useApprovals(file: string): {
  stack: TestStack;
  empty: string;
  envOf: (account: string) => Record<string, string>;
  cli: (account: string, args: string[]) => Promise<Run>;
  /** In this process, on a terminal of its own; `stdout`, a path, takes standard output. */
  screen: (
    account: string,
    args: string[],
    stdout?: string,
    env?: Record<string, string>,
  ) => Terminal;
  /** As a process in a pseudo-terminal. */
  terminal: (account: string, args: string[], stdout?: string) => Terminal;
  /** The id of a session that asks for approvals. */
  asking: (account: string) => Promise<string>;
  /** The requests of an account, or of one of its sessions, as the deployment has them: the newest last. */
  requests: (account: string, sessionId?: string) => Promise<RequestResource[]>;
  /** The first that waits. */
  pending: (account: string, sessionId?: string) => Promise<RequestResource>;
} {
  const { edge: stack, empty, envOf, cli } = useAccounts(file);
  const list = (account: string, status: "any" | "pending", sessionId?: string) =>
    stack
      .client(account)
      .requests.list({ status, kind: "any", ...(sessionId ? { sessionId } : {}) });
  const options = (account: string, stdout?: string, env: Record<string, string> = {}) => ({
    env: { ...envOf(account), ...env },
    cwd: empty,
    ...(stdout ? { stdout } : {}),
  });
  return {
    stack,
    empty,
    envOf,
    cli,
    screen: (account, args, stdout, env) => openScreen(args, options(account, stdout, env)),
    terminal: (account, args, stdout) => openTerminal(args, options(account, stdout)),
    asking: async (account) => {
      const sessions = stack.client(account).sessions;
      return (await sessions.create({ permissionMode: "default", canUseTool: true })).id;
    },
    requests: (account, sessionId) => list(account, "any", sessionId),
    pending: (account, sessionId) =>
      until("a request", async () =>
        // Of all, for the session may not be there yet.
        (await list(account, "pending")).find(
          ({ session_id }) => sessionId === undefined || session_id === sessionId,
        ),
      ),
  };
}
