import type { JsonRpcMessage, McpPayload } from "@claude-edge/protocol/wire";

import type { McpServerConfig } from "../agent/mcp-types.js";
import type { Transport } from "../transport.js";

/** The transport an MCP server object is connected to: the MCP SDK's `Transport`. */
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

/** The MCP servers that run in this process: delivers messages to them and posts the messages they send. */
export class McpHost {
  readonly #transport: Transport;
  readonly #sessionId: () => string | undefined;
  readonly #servers = new Map<string, ServerInstance>();
  readonly #connections = new Map<string, Connection>();
  /** Requests that await a response, by server and JSON-RPC id. */
  readonly #waiting = new Map<string, (message: JsonRpcMessage) => void>();
  /** Keeps messages from servers in order: a progress notification must precede its result. */
  #outbox: Promise<unknown> = Promise.resolve();

  constructor(transport: Transport, sessionId: () => string | undefined) {
    this.#transport = transport;
    this.#sessionId = sessionId;
  }

  add(servers: Record<string, McpServerConfig>): void {
    for (const [name, config] of Object.entries(servers)) {
      if (config.type !== "sdk") continue;
      this.#servers.set(name, config.instance as unknown as ServerInstance);
    }
  }

  /** Delivers a message to a server and resolves to its response; undefined if there is no such server. */
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
        // Nothing depends on a clean close.
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

  /** Sends a message that is not a response. */
  #post(server: string, message: JsonRpcMessage): void {
    const body = { method: "mcpMessage", args: [server, message] };
    const path = `/v1/sessions/${this.#sessionId()}/control`;
    this.#outbox = this.#outbox
      .then(() => this.#transport.json(path, { method: "POST", body }))
      // A lost notification must not fail the request it belongs to.
      .catch(() => {});
  }
}
