import type { McpSdkServerConfigWithInstance } from "@anthropic-ai/claude-agent-sdk";
import type { JsonRpcMessage } from "@claude-edge/protocol";

import type { Requests } from "./requests.js";

/** What the Agent SDK hands an in-process MCP server to speak through. */
export interface Transport {
  onmessage?: (message: JsonRpcMessage) => void;
  onclose?: () => void;
  start?(): Promise<void>;
  send(message: JsonRpcMessage): Promise<void>;
}

/**
 * Stands in for an MCP server that runs in the caller's process: every JSON-RPC message for it becomes a request, and
 * what it says comes back as answers and as {@link deliver}. The messages are not looked into, so whatever the server
 * can do passes.
 */
export class McpTunnel {
  readonly #server: string;
  readonly #requests: Requests;
  #transport: Transport | undefined;

  constructor(server: string, requests: Requests) {
    this.#server = server;
    this.#requests = requests;
  }

  /** As the Agent SDK takes it. */
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

  /** A message of the server's that answers no request: a notification, or a request of its own. */
  async deliver(message: JsonRpcMessage): Promise<void> {
    await this.#transport?.send(message);
  }

  async #forward(message: JsonRpcMessage): Promise<void> {
    const answer = await this.#requests.ask("mcp", { server: this.#server, message });
    // A notification, or the response to a request of the server's, wants no answer.
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
