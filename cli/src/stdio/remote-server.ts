import { sendToServer, serverResponse } from "@claude-edge/protocol/control";
import type { JsonRpcMessage } from "@claude-edge/protocol/wire";

import type { Questions } from "./questions.js";

interface Transport {
  onmessage?: (message: JsonRpcMessage) => void;
  send(message: JsonRpcMessage): Promise<void>;
}

/** JSON-RPC's "internal error". */
const INTERNAL = -32_603;

/** Stands in for an MCP server in the program: messages for it are asked there, and its own come by {@link deliver}. */
export class RemoteServer {
  readonly #name: string;
  readonly #questions: Questions;
  #transport: Transport | undefined;

  constructor(name: string, questions: Questions) {
    this.#name = name;
    this.#questions = questions;
  }

  /** The client connects to it as to a server of the MCP SDK's. */
  async connect(transport: Transport): Promise<void> {
    this.#transport = transport;
    // oxlint-disable-next-line prefer-add-event-listener -- the MCP SDK's Transport has no other way
    transport.onmessage = (message) => void this.#forward(message);
  }

  /** Takes a message of the server that answers no request. */
  async deliver(message: JsonRpcMessage): Promise<void> {
    await this.#transport?.send(message);
  }

  async #forward(message: JsonRpcMessage): Promise<void> {
    const isRequest = message.id !== undefined && message.method !== undefined;
    try {
      const answer = await this.#questions.ask(sendToServer({ server: this.#name, message }));
      if (isRequest) await this.#transport?.send(serverResponse(answer));
    } catch (error) {
      if (!isRequest) return;
      const failure = { code: INTERNAL, message: (error as Error).message };
      await this.#transport?.send({ jsonrpc: "2.0", id: message.id!, error: failure });
    }
  }
}
