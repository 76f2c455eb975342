import { stripVTControlCharacters } from "node:util";

import type { SessionResource } from "@claude-edge/client";

import { useApprovals } from "./approvals.js";
import { CTRL_D, ENTER } from "./keys.js";
import type { Terminal } from "./terminal.js";

/** As terminals send it: with carriage returns. */
export const paste = (text: string): string =>
  `\u001b[200~${text.replaceAll(/\r?\n/g, "\r")}\u001b[201~`;

/** Sends a prompt of several lines, which is not echoed: what is looked for is the answer. */
export const send = (shell: Terminal, prompt: string): void =>
  shell.type(paste(`${prompt}\n`) + ENTER);

/** A turn is over when its figures are there. */
export const ended = (shell: Terminal): Promise<void> => shell.shows("tokens in");

/** All it has shown, without what steers it. */
export const shown = (shell: Terminal): string => stripVTControlCharacters(shell.raw());

/** Leaves the chat. Gives its exit code. */
export function quit(shell: Terminal): Promise<number | null> {
  shell.type(CTRL_D);
  return shell.ended;
}

/** A stack, and chats on it. */
export function useChat(): ReturnType<typeof useApprovals> & {
  /** A chat that can be typed into. */
  chat: (account: string, args?: string[], stdout?: string) => Promise<Terminal>;
  sessions: (account: string) => Promise<SessionResource[]>;
} {
  const approvals = useApprovals();
  return {
    ...approvals,
    chat: async (account, args = [], stdout) => {
      const shell = approvals.terminal(account, ["chat", ...args], stdout);
      await shell.shows("/help");
      await shell.shows("› ");
      return shell;
    },
    sessions: async (account) => {
      const all: SessionResource[] = [];
      for await (const session of approvals.stack.client(account).sessions.list())
        all.push(session);
      return all;
    },
  };
}
