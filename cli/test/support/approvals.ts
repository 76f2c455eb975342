import type { RequestResource } from "@claude-edge/client";

import type { TestStack } from "../../../tests/support/stack.js";
import { until } from "../../../tests/support/wait.js";
import { useAccounts } from "./accounts.js";
import type { Run } from "./run.js";
import { openTerminal, type Terminal } from "./terminal.js";

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
export function useApprovals(): {
  stack: TestStack;
  empty: string;
  cli: (account: string, args: string[]) => Promise<Run>;
  terminal: (account: string, args: string[], stdout?: string) => Terminal;
  /** The account's requests, as the deployment has them. */
  requests: (account: string, status?: "any" | "pending") => Promise<RequestResource[]>;
  /** The first that waits. */
  pending: (account: string) => Promise<RequestResource>;
} {
  const { edge: stack, empty, envOf, cli } = useAccounts();
  const requests = (account: string, status: "any" | "pending" = "any") =>
    stack.client(account).requests.list({ status, kind: "any" });
  return {
    stack,
    empty,
    cli,
    terminal: (account, args, stdout) =>
      openTerminal(args, { env: envOf(account), cwd: empty, ...(stdout ? { stdout } : {}) }),
    requests,
    pending: (account) => until("a request", async () => (await requests(account, "pending"))[0]),
  };
}
