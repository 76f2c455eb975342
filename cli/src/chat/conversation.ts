import {
  isTerminal,
  type AgentOptions,
  type ClaudeEdge,
  type EdgeEvent,
  type PromptAttachment,
  type Session,
  type SessionResource,
  type Usage,
} from "@claude-edge/client";
import { EdgeError } from "@claude-edge/protocol/errors";

import { findSession } from "../sessions/find.js";
import { sessionOptionsOf, type SessionFlags } from "../sessions/flags.js";
import { oneLine } from "../terminal/printable.js";

/** Of the first message, as the title of a session that is given none, characters. */
const MAX_TITLE_CHARS = 60;

/** The session that a chat is in, made at its first message, and what is known of it. */
export class Conversation {
  readonly #edge: ClaudeEdge;
  readonly #options: AgentOptions;
  /** Aborts what is under way. */
  signal: AbortSignal;
  #title: string | undefined;
  #session: Session | undefined;
  #commands: string[] | undefined;
  #attachments: PromptAttachment[] = [];
  /** As the session last said. */
  model: string | undefined;
  permissionMode: string | undefined;
  /** Of this chat's turns, in whatever session. */
  readonly spent: { turns: number; costUsd: number; inputTokens: number; outputTokens: number } = {
    turns: 0,
    costUsd: 0,
    inputTokens: 0,
    outputTokens: 0,
  };

  constructor(edge: ClaudeEdge, flags: SessionFlags, signal: AbortSignal) {
    this.#edge = edge;
    this.#options = sessionOptionsOf(flags);
    this.signal = signal;
    this.#title = flags.title;
    this.reset();
  }

  get id(): string | undefined {
    return this.#session?.id;
  }

  /** The session, made if there is none. @throws ClaudeEdgeError */
  async session(firstMessage: string): Promise<Session> {
    this.#session ??= await this.#edge.sessions.create({
      // Else the agent takes its own slash commands for text.
      verbatimPrompts: false,
      ...this.#options,
      canUseTool: true,
      title: this.#title ?? oneLine(firstMessage, MAX_TITLE_CHARS),
      signal: this.signal,
    });
    this.#title = undefined;
    return this.#session;
  }

  /** Goes with the next message. */
  attach(attachments: PromptAttachment[]): void {
    this.#attachments.push(...attachments);
  }

  get hasAttachments(): boolean {
    return this.#attachments.length > 0;
  }

  /** What goes with a message that is sent now. */
  takeAttachments(): PromptAttachment[] | undefined {
    return this.#attachments.length > 0 ? this.#attachments.splice(0) : undefined;
  }

  /** The next message begins a new session. */
  reset(): void {
    this.#session = undefined;
    this.#commands = undefined;
    this.model = this.#options.model as string | undefined;
    this.permissionMode = this.#options.permissionMode as string | undefined;
  }

  /** Goes on in a session, of which 8 characters will do. @throws ApiError, EdgeError `session_not_found`, `usage`. */
  async open(given: string): Promise<SessionResource> {
    const id = await findSession(this.#edge, given, this.signal);
    const session = this.#edge.sessions.open(id);
    const resource = await session.retrieve({ signal: this.signal });
    this.reset();
    this.#session = session;
    if (resource.options.verbatimPrompts !== false) this.#commands = [];
    this.model = resource.options.model as string | undefined;
    this.permissionMode = resource.options.permissionMode as string | undefined;
    return resource;
  }

  /** Goes on in a branch of the session. @throws EdgeError `usage` without a session. */
  async fork(): Promise<void> {
    this.#session = await this.#begun("branch").fork({ signal: this.signal });
  }

  async rename(title: string): Promise<void> {
    if (this.#session) await this.#session.update({ title, signal: this.signal });
    else this.#title = title;
  }

  async setModel(model: string): Promise<void> {
    if (this.#session) {
      await this.#session.control("setModel", [model], { signal: this.signal });
    } else {
      this.#options.model = model;
    }
    this.model = model;
  }

  /** @throws EdgeError `usage` for what is no mode. */
  async setPermissionMode(mode: string): Promise<void> {
    const { permissionMode } = sessionOptionsOf({ permissionMode: mode });
    if (this.#session) {
      await this.#session.control("setPermissionMode", [mode], { signal: this.signal });
    } else {
      this.#options.permissionMode = permissionMode;
    }
    this.permissionMode = mode;
  }

  /** Newest first. */
  async newest(limit: number): Promise<SessionResource[]> {
    const sessions: SessionResource[] = [];
    for await (const session of this.#edge.sessions.list({ limit, signal: this.signal })) {
      sessions.push(session);
    }
    return sessions;
  }

  /** The agent's own slash commands, by name: none in a session that was made to take each prompt for text. */
  async commands(firstMessage: string): Promise<string[]> {
    if (this.#commands) return this.#commands;
    const session = await this.session(firstMessage);
    const { signal } = this;
    const given = (await session.control("supportedCommands", [], { signal })) as {
      name: string;
    }[];
    return (this.#commands = given.map(({ name }) => name));
  }

  /** Takes a turn's events, for what they say of the session. */
  onEvent(event: EdgeEvent): void {
    if (isTerminal(event)) this.#spend(event.usage);
    if (event.kind !== "message" || event.message.type !== "system") return;
    const { subtype, model, permissionMode, slash_commands: commands } = event.message;
    if (subtype !== "init") return;
    if (typeof model === "string") this.model = model;
    if (typeof permissionMode === "string") this.permissionMode = permissionMode;
    if (Array.isArray(commands)) this.#commands ??= commands as string[];
  }

  /** What a turn that was stopped has used is not always known. */
  #spend(usage: Usage | undefined): void {
    this.spent.turns += 1;
    if (!usage) return;
    const { cost_usd, input_tokens, output_tokens, ...cached } = usage;
    this.spent.costUsd += cost_usd;
    this.spent.inputTokens +=
      input_tokens + cached.cache_read_input_tokens + cached.cache_creation_input_tokens;
    this.spent.outputTokens += output_tokens;
  }

  #begun(what: string): Session {
    if (this.#session) return this.#session;
    throw new EdgeError(
      "usage",
      `There is no session to ${what} yet: it begins with the first message.`,
    );
  }
}
