import type { Options } from "@anthropic-ai/claude-agent-sdk";
import type { JsonRpcMessage, McpPayload } from "@claude-edge/protocol/wire";

import type { Transport } from "./transport.js";

/** What an MCP server object is given to speak through; as the MCP SDK's `Transport`. */
interface ServerTransport {
  onmessage?: (message: JsonRpcMessage) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  start(): Promise<void>;
  send(message: JsonRpcMessage): Promise<void>;
  close(): Promise<void>;
}

/** An MCP server object: the MCP SDK's `McpServer` and `Server`, or anything with their two methods. */
interface ServerInstance {
  connect(transport: ServerTransport): Promise<void>;
  close?(): Promise<void> | void;
}

interface Connection {
  instance: ServerInstance;
  transport: ServerTransport;
  connected: Promise<void>;
}

/** The MCP servers that run in this program: hands them the messages for them, and sends back theirs. */
export class McpHost {
  readonly #transport: Transport;
  readonly #sessionId: () => string | undefined;
  readonly #servers = new Map<string, ServerInstance>();
  readonly #connections = new Map<string, Connection>();
  /** Requests to a server that wait for its response, by server and JSON-RPC id. */
  readonly #waiting = new Map<string, (message: JsonRpcMessage) => void>();
  /** What servers say goes out in the order they say it: a progress note before the result it belongs to. */
  #outbox: Promise<unknown> = Promise.resolve();

  constructor(transport: Transport, sessionId: () => string | undefined) {
    this.#transport = transport;
    this.#sessionId = sessionId;
  }

  add(servers: NonNullable<Options["mcpServers"]>): void {
    for (const [name, config] of Object.entries(servers)) {
      if (config.type !== "sdk") continue;
      this.#servers.set(name, config.instance as unknown as ServerInstance);
    }
  }

  /** Hands a server a message; gives its response. Undefined for a server that is not here. */
  async receive({ server, message }: McpPayload): Promise<Record<string, unknown> | undefined> {
    const connection = this.#connect(server);
    if (!connection) return undefined;
    await connection.connected;
    const { onmessage } = connection.transport;
    if (message.id === undefined || message.method === undefined) {
      onmessage?.(message);
      return {};
    }
    const response = new Promise<JsonRpcMessage>((resolve) => {
      this.#waiting.set(`${server} ${message.id}`, resolve);
    });
    onmessage?.(message);
    const answer = await response;
    await this.#outbox;
    return { message: answer };
  }

  async close(): Promise<void> {
    const connections = [...this.#connections.values()];
    this.#connections.clear();
    for (const { instance, transport } of connections) {
      try {
        await instance.close?.();
      } catch {
        // Its own business: nothing here waits for it.
      }
      transport.onclose?.();
    }
  }

  #connect(name: string): Connection | undefined {
    const known = this.#connections.get(name);
    if (known) return known;
    const instance = this.#servers.get(name);
    if (!instance) return undefined;
    const transport: ServerTransport = {
      start: async () => {},
      close: async () => {},
      send: async (message) => {
        const answers = message.method === undefined ? `${name} ${message.id}` : "";
        const waiting = this.#waiting.get(answers);
        this.#waiting.delete(answers);
        if (waiting) waiting(message);
        else this.#post(name, message);
      },
    };
    const connection = { instance, transport, connected: instance.connect(transport) };
    this.#connections.set(name, connection);
    return connection;
  }

  /** A message that answers no request. */
  #post(server: string, message: JsonRpcMessage): void {
    const body = { method: "mcpMessage", args: [server, message] };
    const path = `/v1/sessions/${this.#sessionId()}/control`;
    this.#outbox = this.#outbox
      .then(() => this.#transport.json(path, { method: "POST", body }))
      // A note that is lost is no reason for its request to fail.
      .catch(() => {});
  }
}
