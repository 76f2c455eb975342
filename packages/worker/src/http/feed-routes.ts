import { EdgeError, FEED_PROTOCOL, SESSION_ID } from "@claude-edge/protocol";
import type { Hono } from "hono";

import type { FeedReader } from "../account/feed-readers.js";
import { allows } from "./access.js";
import { streamAnswer } from "./answers.js";
import { account, json, wantsStream } from "./call.js";
import type { AppEnv, Call } from "./contract.js";
import { wholeNumber } from "./query-string.js";
import { isUpgrade, protocolsOf } from "./web-socket.js";

/** Adds the account's feed: as server-sent events, as a WebSocket, or page by page for who accepts neither. */
export function addFeedRoutes(app: Hono<AppEnv>): void {
  app.get("/v1/feed", async (c) => {
    const reader = readerOf(c);
    if (isUpgrade(c.req.raw.headers)) {
      const isOffered = protocolsOf(c.req.raw.headers).includes(FEED_PROTOCOL);
      return account(c).feedSocket(reader, isOffered ? FEED_PROTOCOL : undefined);
    }
    if (!wantsStream(c)) return json(c, await account(c).call("feed", "page", reader));
    const stream = await account(c).call("feed", "stream", reader);
    return streamAnswer(stream as ReadableStream<Uint8Array>, c.get("requestId"));
  });
}

/** Who reads, and from where. */
function readerOf(c: Call): FeedReader {
  // On reconnect, a browser's EventSource repeats its original URL; the header has the newer position.
  const given = c.req.header("last-event-id") ?? c.req.query("after");
  if (given === "") throw new EdgeError("invalid_request", "after: must be a whole number.");
  const after = given === undefined ? undefined : wholeNumber("after", given, 0);
  const session = c.req.query("session_id");
  if (session !== undefined && !SESSION_ID.test(session)) {
    throw new EdgeError("invalid_request", "session_id: must be a lower-case UUID.");
  }
  const { token } = c.get("caller");
  if (!token) return { after, session };
  if (token.session !== undefined && session !== undefined && session !== token.session) {
    const message = `The token is for session ${token.session} alone.`;
    throw new EdgeError("forbidden", message, { session_id: token.session });
  }
  return {
    after,
    session: token.session ?? session,
    // Who may only answer requests hears of no more than those.
    requestsOnly: !allows(token, "sessions:read"),
    token: { id: token.id, expiresAt: token.expiresAt },
  };
}
