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

/** A deployment, and chats on it. */
export function useChat(file: string): ReturnType<typeof useApprovals> & {
  /** A chat that can be typed into. */
  chat: (account: string, args?: string[], stdout?: string) => Promise<Terminal>;
  /** The same, as a process in a pseudo-terminal. */
  chatProcess: (account: string, args?: string[], stdout?: string) => Promise<Terminal>;
  sessions: (account: string) => Promise<SessionResource[]>;
} {
  const approvals = useApprovals(file);
  const begun = async (shell: Terminal) => {
    await shell.shows("/help");
    await shell.shows("› ");
    return shell;
  };
  return {
    ...approvals,
    chat: (account, args = [], stdout) =>
      begun(approvals.screen(account, ["chat", ...args], stdout)),
    chatProcess: (account, args = [], stdout) =>
      begun(approvals.terminal(account, ["chat", ...args], stdout)),
    sessions: async (account) => {
      const all: SessionResource[] = [];
      for await (const session of approvals.stack.client(account).sessions.list())
        all.push(session);
      return all;
    },
  };
}
