import { ClaudeEdge, type FeedEntry } from "@claude-edge/client";
import { PROTOCOL_HEADER, PROTOCOL_VERSION, type SessionResource } from "@claude-edge/protocol";

import type { FeedReader } from "../../src/account/feed-readers.js";
import type { Env } from "../../src/env.js";
import type { Notice } from "../../src/session/account-port.js";
import { TestDeployment } from "./test-deployment.js";

export const CHECK = { isFirst: true };

/** The account of a test. */
let deployment = new TestDeployment();

export function useDeployment(env: Partial<Env> = {}): TestDeployment {
  deployment = new TestDeployment(env);
  return deployment;
}

export const account = (): TestDeployment["account"] => deployment.account;
export const listing = (id: string, more: Partial<SessionResource> = {}) =>
  ({ id, status: "idle", updated_at: new Date().toISOString(), ...more }) as SessionResource;
export const create = (session: string) =>
  account().admitSession({ check: CHECK, session, listed: listing(session) });
export const admit = (turn: string, session: string) =>
  account().admitTurn({ check: CHECK, session, turn, maySeeSessions: true });
let numbers = 0;
export const tell = (session: string, ...notices: Notice[]) =>
  account().notify(
    session,
    notices.map((notice) => ({ id: (numbers += 1), notice })),
  );

/** A client of the account, whose streams break off after so many bytes. */
export const clientOf = (reader: FeedReader = {}, bytes: () => number = () => Infinity) =>
  new ClaudeEdge({
    baseURL: "http://localhost",
    token: "root",
    maxReconnects: 3,
    clock: { now: () => Date.now(), sleep: () => Promise.resolve() },
    fetch: async (url) => {
      const after = new URL(String(url)).searchParams.get("after");
      let left = bytes();
      const from = { ...reader, ...(after === null ? {} : { after: Number(after) }) };
      const stream = account().feed("stream", from) as ReadableStream<Uint8Array>;
      const body = stream.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            controller.enqueue(chunk.slice(0, Math.min(left, chunk.length)));
            left -= chunk.length;
            if (left <= 0) controller.terminate();
          },
        }),
      );
      return new Response(body, {
        headers: {
          "content-type": "text/event-stream",
          [PROTOCOL_HEADER]: String(PROTOCOL_VERSION),
        },
      });
    },
  });

/** The entries of a feed up to one. */
export async function read(
  feed: AsyncIterable<FeedEntry>,
  isLast: (entry: FeedEntry) => boolean,
): Promise<FeedEntry[]> {
  const entries: FeedEntry[] = [];
  for await (const entry of feed) {
    entries.push(entry);
    if (isLast(entry)) return entries;
  }
  return entries;
}

export const kinds = (entries: FeedEntry[]) => entries.map(({ kind }) => kind);
