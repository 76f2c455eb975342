import type { ClientOptions, EdgeEvent } from "@claude-edge/client";
import { afterEach, expect, test, vi } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const edge = useStack();
const SETTINGS = { permissionMode: "bypassPermissions" } as const;

/** The WebSockets that were opened here. */
let sockets: WebSocket[] = [];
const { WebSocket: Own } = globalThis;
vi.stubGlobal(
  "WebSocket",
  class extends Own {
    constructor(...args: ConstructorParameters<typeof Own>) {
      super(...args);
      sockets.push(this);
    }
  },
);
afterEach(() => {
  sockets = [];
});

/** A client that counts which of its connections are open. */
function counting(account: string | undefined, options: ClientOptions = {}) {
  const open = new Set<string>();
  const paths: string[] = [];
  const counted: typeof fetch = async (input, init) => {
    const path = String(input).slice(edge.stack.url.length);
    paths.push(path);
    const answer = await fetch(input, init);
    if (!answer.headers.get("content-type")?.includes("event-stream")) return answer;
    const key = `${paths.length} ${path}`;
    open.add(key);
    init?.signal?.addEventListener("abort", () => open.delete(key));
    return answer;
  };
  const client = edge.client(account, { ...options, fetch: counted });
  const streams = (of: string) => [...open].filter((key) => key.includes(of)).length;
  return { client, paths, streams };
}

/** Reads a session's events until it is stopped. */
function collect(read: (signal: AbortSignal) => AsyncIterable<EdgeEvent>) {
  const stop = new AbortController();
  const events: EdgeEvent[] = [];
  const done = (async () => {
    for await (const event of read(stop.signal)) events.push(event);
  })().catch((error: unknown) => error as { code?: string });
  return { events, done, stop: () => stop.abort() };
}

const seqsOf = (events: EdgeEvent[]) => events.map(({ seq, kind }) => `${seq} ${kind}`);

test("a reader of an idle session waits at the feed, and misses nothing that happens there", async () => {
  const account = "resting";
  const other = edge.client(account);
  const session = await other.sessions.create(SETTINGS);
  await session.send("%say Before.");
  const { client, streams } = counting(account);
  const reader = collect((signal) => client.sessions.open(session.id).events({ signal }));
  const rests = () => streams("/v1/feed?session_id=") === 1 && streams("/events") === 0;
  const isIn = (text: string) => until(text, () => JSON.stringify(reader.events).includes(text));

  await until("its rest", rests);
  // A turn, with the pieces of its answer. A reader that never rests has the same.
  const turn = session.send("%tokens 40\n%say After.");
  const whole: EdgeEvent[] = [];
  for await (const event of turn) whole.push(event);
  await isIn("After.");
  const ofTurn = () => reader.events.filter(({ turn_id }) => turn_id === turn.id);
  await until("its end", () => ofTurn().some(({ seq }) => seq === whole.at(-1)!.seq));
  expect(seqsOf(ofTurn()).slice(0, whole.length)).toEqual(seqsOf(whole));

  // What happens with no turn: a file.
  await until("its second rest", rests);
  await session.files.put("a.txt", "A");
  await until("the file", () => reader.events.at(-1)?.kind === "checkpoint");
  await until("its third rest", rests);
  // Another session is none of its business.
  await (await other.sessions.create(SETTINGS)).send("%say Elsewhere.");
  expect(rests()).toBe(true);

  const seqs = reader.events.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
  await session.delete();
  expect(await reader.done).toMatchObject({ code: "session_not_found" });
});

test("with a token it waits over a WebSocket, which ends with it", async () => {
  const account = "resting-socket";
  const session = await edge.client(account).sessions.create(SETTINGS);
  const { token, id } = await edge.client(account).tokens.create({
    sessionId: session.id,
    scopes: ["sessions:read"],
  });
  const client = edge.client(undefined, { token });
  const reader = collect((signal) => client.sessions.open(session.id).events({ signal }));
  const isOpen = () => sockets.filter(({ readyState }) => readyState === Own.OPEN);
  await until("its rest", () => isOpen().length === 1);
  await session.send("%say Awake.");
  await until("its answer", () => JSON.stringify(reader.events).includes("Awake."));
  expect(isOpen()).toHaveLength(0);
  await until("its second rest", () => isOpen().length === 1);
  expect(sockets).toHaveLength(2);
  await edge.client(account).tokens.revoke(id);
  expect(await reader.done).toMatchObject({ code: "unauthorized" });

  const minted = await edge.client(account).tokens.create({ sessionId: session.id });
  const again = edge.client(undefined, { token: minted.token });
  const stopped = collect((signal) => again.sessions.open(session.id).events({ signal }));
  await until("its rest", () => isOpen().length === 1);
  stopped.stop();
  await stopped.done;
  await until("its end", () => isOpen().length === 0);
});

test("who may not read the feed stays on the session's stream", async () => {
  const account = "resting-not";
  const session = await edge.client(account).sessions.create(SETTINGS);
  const { token } = await edge.client(account).tokens.create({ scopes: ["query"] });
  const { client, streams, paths } = counting(undefined, { token });
  const reader = collect((signal) => client.sessions.open(session.id).events({ signal }));
  await until("a try", () => paths.some((path) => path.startsWith("/v1/feed")));
  await session.send("%say Heard.");
  await until("its answer", () => JSON.stringify(reader.events).includes("Heard."));
  expect(streams("/events")).toBe(1);
  expect(paths.filter((path) => path.startsWith("/v1/feed"))).toHaveLength(1);
  reader.stop();
  await reader.done;
});
