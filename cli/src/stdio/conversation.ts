import {
  ClaudeEdge,
  query,
  type AgentQuery,
  type ClientOptions,
  type Session,
} from "@claude-edge/client";
import {
  callOf,
  failure,
  readFrame,
  readInitialize,
  success,
  type ControlBody,
  type ControlRequestFrame,
  type Initialization,
  type UserFrame,
} from "@claude-edge/protocol/control";
import type { JsonRpcMessage } from "@claude-edge/protocol/wire";

import { callbacksOf, type Options } from "./callbacks.js";
import { Prompts } from "./prompts.js";
import { Questions } from "./questions.js";
import { RemoteServer } from "./remote-server.js";

type Running = ReturnType<typeof query>;
type Servers = Record<string, Record<string, unknown>>;
type Payload = Record<string, unknown> | undefined;

/** A message of the agent's. */
export interface Message {
  type: string;
  subtype?: string;
  session_id?: string;
  [field: string]: unknown;
}

export interface ConversationSettings {
  /** What the command line says. */
  options: Options;
  /** The command line names no system prompt. */
  isPreset: boolean;
  /** What the program can be asked: to decide on tools, and what servers want to know of its user. */
  asks: { permissions: boolean; elicitations: boolean };
  edge: ClientOptions;
  /** Sends a frame to the program. Resolves when there is room for the next. */
  send: (frame: object) => Promise<void>;
}

const LATE = "initialize must come before the first prompt.";

/** What is answered to a program that wants a title made; sessions have those that they are given. */
const NO_TITLE = { title: null };

/**
 * A program's conversation in the Agent SDK's control protocol, run on a deployment. It knows frames and no transport:
 * those of the program come by {@link receive}, and what is for the program goes out by `send`.
 */
export class Conversation {
  readonly #settings: ConversationSettings;
  readonly #questions: Questions;
  readonly #prompts = new Prompts<UserFrame>();
  readonly #servers = new Map<string, RemoteServer>();
  /** Control requests of the program that are being answered. */
  readonly #answering = new Set<string>();
  readonly #begun = Promise.withResolvers<Running | undefined>();
  /** The session is made by this conversation, anew or as a branch. */
  readonly #isOwn: boolean;
  #isInitialized = false;
  #query: Running | undefined;
  #sessionId: string | undefined;

  constructor(settings: ConversationSettings) {
    this.#settings = settings;
    this.#questions = new Questions((frame) => void settings.send(frame));
    // The id of a session that is made here is known before its first message.
    const { options } = settings;
    const isNew = !options.resume && !options.continue;
    const isBranch = options.forkSession === true || options.resumeSessionAt !== undefined;
    this.#isOwn = isNew || isBranch;
    if (this.#isOwn) options.sessionId ??= crypto.randomUUID();
    this.#sessionId = options.sessionId ?? options.resume;
  }

  /** The session, as far as it is known. */
  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  /** Takes a frame of the program's. @throws Error for what is no frame. */
  receive(value: unknown): void {
    const frame = readFrame(value);
    switch (frame?.type) {
      case "user":
        // A program need not initialize.
        this.#begin();
        return this.#prompts.push(frame);
      case "control_request":
        return void this.#answer(frame);
      case "control_response":
        return this.#questions.settle(frame);
      default:
        // A request of the program's that it gave up: an answer that nobody waits for does no harm.
        return undefined;
    }
  }

  /** The program says nothing more. What it has begun goes on to its end. */
  end(): void {
    this.#prompts.close();
    this.#questions.close();
    this.#begun.resolve(this.#query);
  }

  /** Interrupts what runs. */
  stop(): void {
    this.#query?.close();
    this.end();
  }

  /** Deletes the session if nothing was said in it and it was made here. */
  async discard(): Promise<void> {
    if (!this.#query || !this.#isOwn || this.#prompts.count > 0) return;
    await this.#session()
      .delete()
      .catch(() => {});
  }

  /** The agent's messages, to the end of the run. @throws what `query()` throws. */
  async *messages(): AsyncGenerator<Message> {
    const running = await this.#begun.promise;
    if (!running) return;
    for await (const message of running) {
      const { session_id = this.#sessionId } = message as { session_id?: string };
      this.#sessionId = session_id;
      yield message as unknown as Message;
    }
  }

  #begin(given?: Initialization): Running {
    if (this.#query) return this.#query;
    const { edge, isPreset, options, asks } = this.#settings;
    const said = given ?? readInitialize({ subtype: "initialize" }, isPreset);
    this.#isInitialized = given !== undefined;
    const { hooks, servers } = said;
    const { supportedDialogKinds: kinds } = said.options as { supportedDialogKinds?: string[] };
    const asked = { ...asks, hooks, dialogs: kinds !== undefined && kinds.length > 0 };
    const all = {
      ...options,
      ...said.options,
      ...callbacksOf(this.#questions, asked),
      mcpServers: this.#withServers({
        ...(options.mcpServers as Servers | undefined),
        ...(said.options.mcpServers as Servers | undefined),
        ...inProgram(servers),
      }),
    };
    const prompt = this.#prompts as AsyncIterable<unknown> as AgentQuery["prompt"];
    try {
      this.#query = query({ prompt, options: all as Options, edge });
    } catch (error) {
      // An option that is refused ends the run, and not its request alone.
      this.#begun.reject(error);
      throw error;
    }
    this.#begun.resolve(this.#query);
    return this.#query;
  }

  /** MCP servers by their names, those in the program with what stands in for them. */
  #withServers(servers: Servers): Servers {
    const all = Object.entries(servers).map(([name, config]): [string, Servers[string]] => {
      if (config.type !== "sdk") return [name, config];
      const instance = new RemoteServer(name, this.#questions);
      this.#servers.set(name, instance);
      return [name, { ...config, name, instance }];
    });
    return Object.fromEntries(all);
  }

  async #answer({ request_id, request }: ControlRequestFrame): Promise<void> {
    if (this.#answering.has(request_id)) return;
    this.#answering.add(request_id);
    const { send } = this.#settings;
    try {
      await send(success(request_id, await this.#perform(request)));
    } catch (error) {
      await send(failure(request_id, error instanceof Error ? error.message : String(error)));
    } finally {
      this.#answering.delete(request_id);
    }
  }

  /** Does what a control request asks for, and gives the answer's payload. @throws what is answered as an error. */
  async #perform(body: ControlBody): Promise<Payload> {
    switch (body.subtype) {
      case "initialize": {
        // Again, it is to be told the same; late, it would be taken for heard.
        if (this.#query && !this.#isInitialized) throw new Error(LATE);
        const said = readInitialize(body, this.#settings.isPreset);
        const result = await this.#begin(said).initializationResult();
        return { ...result, ...said.confirmed };
      }
      case "interrupt": {
        const cancelQueued = body.cancel_queued === true;
        if (!this.#query) return { still_queued: [] };
        // The Agent SDK takes it too, and has it in no type.
        const { interrupt } = this.#query as { interrupt: (how: object) => Promise<unknown> };
        return (await interrupt.call(this.#query, { cancelQueued })) as Payload;
      }
      case "mcp_message":
        return this.#deliver(body);
      case "mcp_set_servers": {
        const servers = this.#withServers((body.servers ?? {}) as Servers);
        return (await this.#begin().setMcpServers(servers as never)) as unknown as Payload;
      }
      case "rename_session":
        return this.#rename(String(body.title));
      case "generate_session_title":
        return NO_TITLE;
      default:
        return this.#call(body);
    }
  }

  async #call(body: ControlBody): Promise<Payload> {
    const call = callOf(body);
    if (!call) throw new Error(`Unsupported control request subtype: ${body.subtype}`);
    const running = this.#begin();
    const method = running[call.method] as unknown as (...args: unknown[]) => Promise<unknown>;
    return call.payload(await method.apply(running, call.args));
  }

  async #deliver({ server_name, message }: ControlBody): Promise<undefined> {
    const server = this.#servers.get(String(server_name));
    if (!server) throw new Error(`SDK MCP server not found: ${String(server_name)}`);
    await server.deliver(message as JsonRpcMessage);
  }

  async #rename(title: string): Promise<undefined> {
    await this.#begin().initializationResult();
    await this.#session().update({ title });
  }

  #session(): Session {
    return new ClaudeEdge(this.#settings.edge).sessions.open(this.#sessionId ?? "");
  }
}

const inProgram = (servers: Servers): Servers =>
  Object.fromEntries(
    Object.entries(servers).map(([name, settings]) => [name, { ...settings, type: "sdk" }]),
  );
