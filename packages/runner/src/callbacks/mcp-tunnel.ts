import type { McpSdkServerConfigWithInstance } from "@anthropic-ai/claude-agent-sdk";
import type { JsonRpcMessage } from "@claude-edge/protocol";

import type { Requests } from "./requests.js";

/** The transport that the Agent SDK gives to an in-process MCP server. */
export interface Transport {
  onmessage?: (message: JsonRpcMessage) => void;
  onclose?: () => void;
  start?(): Promise<void>;
  send(message: JsonRpcMessage): Promise<void>;
}

/**
 * Stands in for an MCP server that runs in the caller's process: every JSON-RPC message for it becomes a request, and
 * its own messages come back as answers and through {@link deliver}. Messages pass unread, so every feature of the
 * server works.
 */
export class McpTunnel {
  readonly #server: string;
  readonly #requests: Requests;
  #transport: Transport | undefined;

  constructor(server: string, requests: Requests) {
    this.#server = server;
    this.#requests = requests;
  }

  /** The tunnel under the type that the Agent SDK takes. */
  get instance(): McpSdkServerConfigWithInstance["instance"] {
    return this as unknown as McpSdkServerConfigWithInstance["instance"];
  }

  async connect(transport: Transport): Promise<void> {
    this.#transport = transport;
    // oxlint-disable-next-line prefer-add-event-listener -- the MCP SDK's Transport has no other way
    transport.onmessage = (message) => void this.#forward(message);
    await transport.start?.();
  }

  async close(): Promise<void> {
    this.#transport = undefined;
  }

  /** Passes on a message of the server that answers no request: a notification, or a request of its own. */
  async deliver(message: JsonRpcMessage): Promise<void> {
    await this.#transport?.send(message);
  }

  async #forward(message: JsonRpcMessage): Promise<void> {
    const answer = await this.#requests.ask("mcp", { server: this.#server, message });
    // A notification, or the response to a request of the server, has no response.
    if (message.id === undefined || message.method === undefined) return;
    const response = answer.answer?.message as JsonRpcMessage | undefined;
    const failure = {
      jsonrpc: "2.0",
      id: message.id,
      error: {
        code: -32_000,
        message: answer.error?.message ?? "The MCP server gave no response.",
      },
    };
    await this.#transport?.send(response ?? failure);
  }
}
