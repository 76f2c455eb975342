import type { SessionResource } from "@claude-edge/client";
import { EdgeError } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { readAttachments } from "../files/attachments.js";
import { oneLine } from "../terminal/printable.js";
import { choose } from "../terminal/prompts.js";
import type { Conversation } from "./conversation.js";
import { nearest } from "./nearest.js";
import type { Screen } from "./screen.js";

/** What a command works on. */
export interface Chat {
  conversation: Conversation;
  screen: Screen;
  context: Context;
  /** Ends the chat. */
  leave: () => void;
  /** Sends a message when what was entered before it is answered. */
  queue: (message: string) => void;
  /** Stops the turn that runs, and sends a message. */
  sendNow: (message: string) => void;
  /** Aborts when the command is to stop. */
  signal: AbortSignal;
}

interface SlashCommand {
  /** What follows its name, for the help. */
  argument?: string;
  about: string;
  /** It needs nothing of the deployment, and is not queued behind a turn. */
  isInstant?: true;
  run: (chat: Chat, argument: string) => void | Promise<void>;
}

const MAX_LISTED = 50;
const MAX_TITLE_CHARS = 60;

const COMMANDS: Record<string, SlashCommand> = {
  help: {
    about: "this list",
    isInstant: true,
    run: ({ screen }) => screen.say(helpText()),
  },
  model: {
    argument: "[name]",
    about: "another model from now on; without a name: which it is",
    async run({ conversation, screen }, name) {
      if (name) await conversation.setModel(name);
      screen.note(`model: ${oneLine(conversation.model ?? "the deployment's")}`);
    },
  },
  permissions: {
    argument: "[mode]",
    about: "default, acceptEdits, bypassPermissions, plan or dontAsk from now on",
    async run({ conversation, screen }, mode) {
      if (mode) await conversation.setPermissionMode(mode);
      screen.note(`permission mode: ${oneLine(conversation.permissionMode ?? "the deployment's")}`);
    },
  },
  attach: {
    argument: "<file>",
    about: "have a file of this machine go with the next message",
    async run({ conversation, screen, context }, path) {
      if (!path) throw new EdgeError("usage", "/attach takes the path of a file.");
      conversation.attach((await readAttachments([path], context.cwd)) ?? []);
      screen.note(`${oneLine(path)} goes with the next message`);
    },
  },
  queue: {
    argument: "<message>",
    about: "send a message after the turn that runs, which does not see it",
    isInstant: true,
    run({ queue }, message) {
      if (!message) throw new EdgeError("usage", "/queue takes a message.");
      queue(message);
    },
  },
  now: {
    argument: "<message>",
    about: "stop the turn that runs, and send a message",
    isInstant: true,
    run({ sendNow }, message) {
      if (!message) throw new EdgeError("usage", "/now takes a message.");
      sendNow(message);
    },
  },
  sessions: {
    about: "choose another session, and go on in it",
    run: chooseSession,
  },
  resume: {
    argument: "<id>",
    about: "go on in this session",
    async run(chat, id) {
      if (!id)
        throw new EdgeError("usage", "/resume takes the id of a session; /sessions lists them.");
      await enter(chat, id);
    },
  },
  new: {
    about: "begin a new session with the next message",
    run({ conversation, screen }) {
      conversation.reset();
      screen.note("the next message begins a new session");
    },
  },
  fork: {
    about: "branch the session, and go on in the branch",
    async run({ conversation, screen }) {
      const before = conversation.id;
      await conversation.fork();
      screen.note(`session ${conversation.id}, a branch of ${before}`);
    },
  },
  rename: {
    argument: "<title>",
    about: "give the session a title",
    async run({ conversation, screen }, title) {
      if (!title) throw new EdgeError("usage", "/rename takes the new title.");
      await conversation.rename(title);
      screen.note(`title: ${oneLine(title)}`);
    },
  },
  usage: {
    about: "tokens and cost of this chat so far",
    isInstant: true,
    run({ conversation, screen }) {
      const { turns, inputTokens, outputTokens, costUsd } = conversation.spent;
      const tokens = `${inputTokens} tokens in, ${outputTokens} out`;
      screen.note(
        `${turns} ${turns === 1 ? "turn" : "turns"} · ${tokens} · $${costUsd.toFixed(4)}`,
      );
    },
  },
  exit: {
    about: "leave; also Ctrl-D",
    isInstant: true,
    run: ({ leave }) => leave(),
  },
};

const ALIASES: Record<string, string> = { quit: "exit", clear: "new" };

/** A message that is a command: its name and the rest. A path is none. */
export function parseCommand(message: string): { name: string; argument: string } | undefined {
  const [, name, argument = ""] = /^\/([\w:-]+)(?:\s+([^]*))?$/.exec(message.trim()) ?? [];
  if (name === undefined) return undefined;
  return { name: Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name, argument: argument.trim() };
}

export const commandOf = (name: string): SlashCommand | undefined =>
  Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;

/** The command that was meant, by all appearances. */
export const nearCommand = (name: string, others: string[] = []): string | undefined =>
  nearest(name, [...Object.keys(COMMANDS), ...Object.keys(ALIASES), ...others]);

/** For a command that neither the chat nor the agent knows. */
export function unknownCommand(name: string, others: string[]): EdgeError {
  const near = nearCommand(name, others);
  const hint = near === undefined ? "/help lists them." : `Did you mean /${near}?`;
  const message = `There is no command /${name}. ${hint} To send it as it is: //${name}`;
  return new EdgeError("usage", message);
}

function helpText(): string {
  const rows = Object.entries(COMMANDS).map(
    ([name, { argument, about }]) =>
      [`/${name}${argument === undefined ? "" : ` ${argument}`}`, about] as const,
  );
  const width = Math.max(...rows.map(([usage]) => usage.length));
  return [
    ...rows.map(([usage, about]) => `  ${usage.padEnd(width)}  ${about}`),
    "  A backslash at a line's end goes on in the next; // at the beginning sends one /.",
    "  What you enter while a turn runs is given to it, and seen by it after its next tools; /queue and /now do otherwise.",
    "  Ctrl-C stops the turn and drops what it has not seen, twice quits.",
  ].join("\n");
}

async function chooseSession(chat: Chat): Promise<void> {
  const { conversation, screen, context, signal } = chat;
  const sessions = await conversation.newest(MAX_LISTED);
  if (sessions.length === 0) return screen.note("there are no sessions yet");
  const options = sessions.map(({ id, title, updated_at }) => ({
    value: id,
    label: `${id.slice(0, 8)}  ${oneLine(title ?? "", MAX_TITLE_CHARS) || "untitled"}`,
    hint: updated_at.slice(0, 16).replace("T", " "),
  }));
  const id = await screen.hold(() => choose("Go on in", options, context, signal));
  if (id !== undefined) await enter(chat, id);
}

async function enter({ conversation, screen }: Chat, id: string): Promise<void> {
  const { title, status } = await conversation.open(id);
  const named = title === null ? "" : ` · ${oneLine(title, MAX_TITLE_CHARS)}`;
  screen.note(`session ${conversation.id}${named}`);
  sayStatus(status, screen);
}

/** What is sent to a session whose turn is not over has to wait. */
export function sayStatus(status: SessionResource["status"], screen: Screen): void {
  if (status === "running") screen.note("a turn of it is running: what you send comes after that");
  if (status === "waiting") {
    screen.note(
      "a turn of it waits for an answer, and what you send for that: claude-edge requests",
    );
  }
}
