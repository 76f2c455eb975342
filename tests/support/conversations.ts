import { expect } from "vitest";

import type { TestStack } from "./stack.js";
import { all } from "./tokens.js";

export type Fields = Record<string, unknown>;

/** How a request is sent. */
export interface How {
  method?: string;
  account?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export const bearer = (token: string): { authorization: string } => ({
  authorization: `Bearer ${token}`,
});

/** The text that a stream's pieces come to. */
export const textOf = (events: Fields[]): string =>
  events.map(({ type, content }) => (type === "text" ? content : "")).join("");

/** The events of a stream, each when it is there. */
export async function* read(body: ReadableStream<Uint8Array>): AsyncGenerator<Fields> {
  const decoder = new TextDecoderStream() as TransformStream<Uint8Array, string>;
  let rest = "";
  for await (const chunk of body.pipeThrough(decoder)) {
    const frames = (rest + chunk).split("\n\n");
    rest = frames.pop()!;
    for (const frame of frames) {
      if (frame.startsWith("data: ")) yield JSON.parse(frame.slice("data: ".length)) as Fields;
    }
  }
}

/** A small client of the conversations, as one writes it for such an API. */
export interface ConversationsClient {
  call(path: string, json?: unknown, how?: How): Promise<Fields>;
  stream(path: string, json: object, how?: How): Promise<Fields[]>;
  /** A new conversation's id. */
  begin(body?: object, how?: How): Promise<string>;
}

export function conversationsClient(edge: Pick<TestStack, "fetch">): ConversationsClient {
  const call = async (path: string, json?: unknown, how: How = {}): Promise<Fields> => {
    const response = await edge.fetch(path, { ...(json === undefined ? {} : { json }), ...how });
    const answer = (await response.json()) as Fields;
    const id = response.headers.get("x-request-id");
    expect(answer.request_id ?? id).toBe(id);
    expect("detail" in answer).toBe(!response.ok);
    return { status: response.status, ...answer };
  };
  return {
    call,
    async stream(path, json, how = {}) {
      const response = await edge.fetch(path, { json, ...how });
      expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
      return all(read(response.body!));
    },
    async begin(body = {}, how = {}) {
      return String((await call("/conversations", body, how)).conversation_id);
    },
  };
}
