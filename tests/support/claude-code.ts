import { expect } from "vitest";

import type { TestStack } from "./stack.js";
import { all } from "./tokens.js";

/** A message of `claude --output-format stream-json`. */
export type Message = { type: string; [field: string]: unknown };

/** How a body is sent. */
export interface How {
  account?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** What a process that takes more than one prompt says of each; a client passes over kinds it does not know. */
export const known = (messages: Message[]): Message[] =>
  messages.filter(({ type }) => type !== "command_lifecycle");

/** The messages of a stream, each when its line is there. */
export async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<Message> {
  const decoder = new TextDecoderStream() as TransformStream<Uint8Array, string>;
  let rest = "";
  for await (const chunk of body.pipeThrough(decoder)) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop()!;
    for (const part of parts) if (part.trim() !== "") yield JSON.parse(part) as Message;
  }
  if (rest.trim() !== "") throw new Error(`the last line was cut off: ${rest}`);
}

/** A client of `POST /claude-code`, as its users write them. */
export interface ClaudeCodeClient {
  send(body: unknown, how?: How): Promise<Response>;
  /** All messages of a stream. */
  stream(body: object, how?: How): Promise<Message[]>;
  /** One JSON answer. */
  whole(body: object, how?: How): Promise<Message & { status: number }>;
}

export function claudeCodeClient(edge: Pick<TestStack, "fetch">): ClaudeCodeClient {
  const send = (body: unknown, how: How = {}) => edge.fetch("/claude-code", { json: body, ...how });
  return {
    send,
    async stream(body, how) {
      const response = await send(body, how);
      expect(response.status).toBe(200);
      return all(lines(response.body!));
    },
    async whole(body, how) {
      const response = await send({ stream: false, ...body }, how);
      const answer = (await response.json()) as Message;
      expect(answer.requestId ?? answer.request_id).toBe(response.headers.get("x-request-id"));
      return { ...answer, status: response.status };
    },
  };
}
