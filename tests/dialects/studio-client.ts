import type { TestStack } from "../support/stack.js";

export interface StudioEvent {
  type: string;
  [field: string]: unknown;
}

/** Reads a stream as that system's pages do: line by line, and no line that does not begin with `data: `. */
export async function* eventsOf(response: Response): AsyncGenerator<StudioEvent> {
  const decoder = new TextDecoder();
  let buffer = "";
  for await (const chunk of response.body!) {
    buffer += decoder.decode(chunk, { stream: true });
    const lines = buffer.split("\n");
    buffer = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("data: ")) yield JSON.parse(line.slice(6)) as StudioEvent;
    }
  }
}

/** One account's client of the dialect. */
export interface Studio {
  /** A request; a body makes it a POST. */
  ask(path: string, json?: unknown, init?: RequestInit): Promise<Response>;
  /** The JSON of an answer, and its status. */
  json(path: string, json?: unknown, init?: RequestInit): Promise<Answer>;
  /** All events of a stream; `onEvent` sees them as they come. */
  stream(
    path: string,
    json: unknown,
    onEvent?: (event: StudioEvent) => unknown,
  ): Promise<StudioEvent[]>;
  /** The same of a prompt, in a session of its own or the one that is named. */
  generate(
    prompt: string,
    sessionId?: string,
    onEvent?: (event: StudioEvent) => unknown,
  ): Promise<StudioEvent[]>;
}

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

export function studioOf(edge: TestStack, account?: string, token?: string): Studio {
  const ask: Studio["ask"] = (path, json, init = {}) =>
    edge.fetch(path, {
      ...(account === undefined ? {} : { account }),
      ...(json === undefined ? {} : { json }),
      ...init,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(init.headers as Record<string, string> | undefined),
      },
    });
  const stream: Studio["stream"] = async (path, json, onEvent) => {
    const response = await ask(path, json);
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    const events: StudioEvent[] = [];
    for await (const event of eventsOf(response)) {
      events.push(event);
      await onEvent?.(event);
    }
    return events;
  };
  return {
    ask,
    stream,
    json: async (path, json, init) => {
      const response = await ask(path, json, init);
      return { status: response.status, body: (await response.json()) as Answer["body"] };
    },
    generate: (prompt, sessionId, onEvent) =>
      stream("/api/generate-stream", { prompt, sessionId }, onEvent),
  };
}

/** What happened, in order: kinds of events, with subtype or what they say a message is. */
export const outline = (events: StudioEvent[]): string[] =>
  events
    .map(({ type, subtype, messageType }) =>
      [type, subtype ?? messageType].filter(Boolean).join(" "),
    )
    .filter((kind, index, all) => kind !== "text_delta" || all[index - 1] !== kind);

/** The text that came in pieces. */
export const textOf = (events: StudioEvent[]): string =>
  events.map((event) => (event.type === "text_delta" ? String(event.text) : "")).join("");

export const sessionIn = (events: StudioEvent[]): string =>
  String(events.find(({ type }) => type === "session_init")!.sessionId);

/** The events that only an ended turn has. */
export const endsOf = (events: StudioEvent[]): string[] =>
  events.map(({ type }) => type).filter((type) => [...COMPLETED, "error"].includes(type));

/** How a stream ends whose turn has completed. */
export const COMPLETED = ["done", "result", "complete"];

/** A POST without a body, as its pages cancel. */
export const POST: RequestInit = {
  method: "POST",
  headers: { "content-type": "application/json" },
};

export const UUID: RegExp = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
