import type { FeedEntry } from "@claude-edge/client";
import { describe, expect, it } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const ACCOUNT = "feed";
const edge = useStack();

/** Collects a feed until it is stopped. */
function collect(feed: (signal: AbortSignal) => AsyncIterable<FeedEntry>) {
  const stop = new AbortController();
  const entries: FeedEntry[] = [];
  const done = (async () => {
    for await (const entry of feed(stop.signal)) entries.push(entry);
  })().catch((error: unknown) => error);
  return { entries, done, stop: () => stop.abort() };
}

const has = (entries: FeedEntry[], kind: string, session?: string) =>
  until(kind, () =>
    entries.find((entry) => entry.kind === kind && (!session || entry.session_id === session)),
  );

describe("the feed", () => {
  it("tells of an approval that goes round, and of the session's end", async () => {
    const client = edge.client(ACCOUNT);
    const { entries, stop, done } = collect((signal) => client.feed({ signal }));
    await has(entries, "reset");
    const session = await client.sessions.create({
      title: "Asks",
      permissionMode: "default",
      canUseTool: true,
    });
    const turn = session.send('%tool Bash {"command":"touch x"}\n%say Done.').result();
    const { request_id } = await has(entries, "request.created");
    await client.requests.answer(request_id!, { behavior: "allow" });
    await turn;
    await has(entries, "turn.completed");
    await session.update({ title: "Named" });
    await has(entries, "session.changed");
    await session.delete();
    await has(entries, "session.deleted");
    stop();
    await done;
    const order = entries.filter(({ session_id }) => session_id === session.id);
    expect(order.map(({ kind }) => kind)).toEqual([
      "session.created",
      "turn.running",
      "request.created",
      "request.resolved",
      "turn.completed",
      "session.changed",
      "session.deleted",
    ]);
    expect(JSON.stringify(entries)).not.toContain("touch x");
    // Read on from the middle.
    const middle = order[2]!.seq;
    const rest = collect((signal) => client.feed({ after: middle, signal }));
    await has(rest.entries, "session.deleted");
    rest.stop();
    expect(rest.entries.map(({ seq }) => seq)).toEqual(order.slice(3).map(({ seq }) => seq));
  });

  it("is a WebSocket too, with the token in a subprotocol, and shows one session to its token", async () => {
    const account = `${ACCOUNT}-socket`;
    const client = edge.client(account);
    const [mine, other] = [await client.sessions.create(), await client.sessions.create()];
    const { token } = await client.tokens.create({ sessionId: mine.id, scopes: ["sessions:read"] });
    const url = `${edge.stack.url.replace("http", "ws")}/v1/feed?after=0`;
    const socket = new WebSocket(url, ["claude-edge.feed", `claude-edge.token.${token}`]);
    const entries: FeedEntry[] = [];
    let pongs = 0;
    socket.addEventListener("message", ({ data }) => {
      if (data === "pong") pongs += 1;
      else entries.push(JSON.parse(String(data)) as FeedEntry);
    });
    await has(entries, "session.created", mine.id);
    expect(socket.protocol).toBe("claude-edge.feed");
    socket.send("ping");
    await until("a pong", () => pongs === 1);
    await other.send("%say Not shown.");
    await mine.send("%say Shown.");
    await has(entries, "turn.completed", mine.id);
    expect(new Set(entries.map(({ session_id }) => session_id))).toEqual(new Set([mine.id]));
    socket.send(String(entries.at(-1)!.seq));
    // What it cannot know of, it cannot confirm.
    const closed = new Promise<CloseEvent>((resolve) =>
      socket.addEventListener("close", resolve, { once: true }),
    );
    socket.send(String(entries.at(-1)!.seq + 1_000_000));
    expect((await closed).code).toBe(1003);
  });

  it("ends for a token that is revoked, and shows an answerer requests alone", async () => {
    const client = edge.client(`${ACCOUNT}-revoked`);
    const minted = await client.tokens.create({ scopes: ["requests:answer"] });
    const answerer = edge.client(undefined, { token: minted.token });
    await client.query("%say Hello.");
    const { entries, done } = collect((signal) => answerer.feed({ after: 0, signal }));
    const socket = new WebSocket(`${edge.stack.url.replace("http", "ws")}/v1/feed`, [
      "claude-edge.feed",
      `claude-edge.token.${minted.token}`,
    ]);
    const opened = new Promise((resolve) => socket.addEventListener("open", resolve));
    const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
    await opened;
    await client.tokens.revoke(minted.id);
    expect((await closed).code).toBe(4401);
    expect(await done).toMatchObject({ code: "unauthorized" });
    expect(entries).toEqual([]);
  });

  it("refuses a cursor that is none, and a reader without a scope", async () => {
    const bad = await edge.fetch("/v1/feed?after=x", { account: ACCOUNT });
    expect([bad.status, await bad.json()]).toMatchObject([
      400,
      { error: { code: "invalid_request" } },
    ]);
    const { token } = await edge.client(ACCOUNT).tokens.create({ scopes: ["files"] });
    const refused = edge.client(undefined, { token }).feed()[Symbol.asyncIterator]().next();
    await expect(refused).rejects.toMatchObject({ code: "forbidden" });
  });
});
