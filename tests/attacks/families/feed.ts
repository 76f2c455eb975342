import type { FeedEntry } from "@claude-edge/client";

import { holds, refused, works, type Attack, type Family } from "../attack.ts";
import type { World } from "../world.ts";

const FORBIDDEN = { status: 403, code: "forbidden" };
const UNAUTHORIZED = { status: 401, code: "unauthorized" };

interface Page {
  entries: FeedEntry[];
  seq: number;
}

/** The feed: of another account, and of more than a token is for. */
export async function feed(world: World): Promise<Family> {
  const { ask, mint, stack, alice, mallory } = world;
  const key = await mint({ account: "mallory", scopes: ["admin"] });
  const held = await mint({ account: "mallory", sessionId: mallory.session });
  const answers = await mint({ account: "mallory", scopes: ["requests:answer"] });
  const link = JSON.parse(
    (
      await ask("/v1/tokens", {
        method: "POST",
        key: await mint({ account: "alice", scopes: ["admin"] }),
        json: { request_id: alice.request },
      })
    ).text,
  ).token as string;
  const ofAlice = JSON.parse((await ask("/v1/feed?after=0", { key: alice.token })).text) as Page;
  const cursor = ofAlice.entries[0]!.seq;

  /** All pages of the feed as a key sees it. */
  const read = async (given: string, after = 0): Promise<FeedEntry[]> => {
    const entries: FeedEntry[] = [];
    for (let from = after; ;) {
      const { text } = await ask(`/v1/feed?after=${from}`, { key: given });
      const page = JSON.parse(text) as Page;
      entries.push(...page.entries);
      if (page.seq === from) return entries;
      from = page.seq;
    }
  };
  const showsNone = (
    name: string,
    of: () => Promise<FeedEntry[]>,
    isMine: (of: FeedEntry) => boolean,
  ) =>
    holds(name, async () => {
      const strange = (await of()).find((entry) => entry.kind !== "reset" && !isMine(entry));
      return strange && JSON.stringify(strange);
    });
  const alices = new Set(ofAlice.entries.map(({ session_id }) => session_id));
  const notHers = ({ session_id }: FeedEntry) => !alices.has(session_id);

  /** What becomes of a WebSocket: the status that the handshake is refused with, or that it was opened. */
  const socket = (name: string, protocols: string[]): Attack =>
    holds(name, async () => {
      const opened = new WebSocket(`${stack.url.replace("http", "ws")}/v1/feed?after=0`, protocols);
      return new Promise((resolve) => {
        opened.addEventListener("error", () => resolve(undefined));
        opened.addEventListener("open", () => {
          opened.close();
          resolve("it was opened");
        });
      });
    });

  return {
    controls: [
      works("Alice's feed, by Alice", () => ask("/v1/feed?after=0", { key: alice.token })),
      holds("with her session in it", async () => (alices.has(alice.session) ? undefined : "none")),
      works("Alice's feed, by the root key", () =>
        ask("/v1/feed?after=0", { key: stack.token, account: "alice" }),
      ),
      holds("Mallory's question, by her answerer", async () =>
        (await read(answers)).some(({ request_id }) => request_id === mallory.request)
          ? undefined
          : "none",
      ),
    ],
    attacks: [
      refused("Alice's, by name", () => ask("/v1/feed", { key, account: "alice" }), FORBIDDEN),
      refused("by a link for a request", () => ask("/v1/feed", { key: link }), FORBIDDEN),
      refused(
        "without sessions:read or requests:answer",
        async () =>
          ask("/v1/feed", { key: await mint({ account: "mallory", scopes: ["query", "files"] }) }),
        FORBIDDEN,
      ),
      refused(
        "another session, by a token for one",
        () => ask(`/v1/feed?after=0&session_id=${alice.session}`, { key: held }),
        FORBIDDEN,
      ),
      showsNone(
        "Alice's session, by its id",
        async () => {
          const { text } = await ask(`/v1/feed?after=0&session_id=${alice.session}`, { key });
          return (JSON.parse(text) as Page).entries;
        },
        () => false,
      ),
      ...["x", "", "%00", `${alice.session}%0a`, "..%2f"].map((id) =>
        refused(
          `the session ${JSON.stringify(id)}`,
          () => ask(`/v1/feed?session_id=${id}`, { key }),
          { status: 400, code: "invalid_request" },
        ),
      ),
      refused("with no token", () => ask("/v1/feed", { key: "x" }), UNAUTHORIZED),
      showsNone("Alice's, in Mallory's own", () => read(key), notHers),
      showsNone("Alice's, by a cursor of hers", () => read(key, cursor), notHers),
      showsNone(
        "other sessions, by a token for one",
        () => read(held),
        ({ session_id }) => session_id === mallory.session,
      ),
      showsNone(
        "sessions and turns, by who may only answer",
        () => read(answers),
        ({ kind }) => kind.startsWith("request."),
      ),
      ...["-1", "1e3", "0x1", "9999999999999999", "a", "", "1;2", "%00"].map((after) =>
        refused(
          `the cursor ${JSON.stringify(after)}`,
          () => ask(`/v1/feed?after=${after}`, { key }),
          {
            status: 400,
            code: "invalid_request",
          },
        ),
      ),
      holds("a cursor of the future", async () => {
        const entries = await read(key, 999_999_999_999_999);
        return entries[0]?.kind === "reset" ? undefined : JSON.stringify(entries[0]);
      }),
      socket("a WebSocket without a token", ["claude-edge.feed"]),
      socket("a WebSocket with a forged token", [
        "claude-edge.feed",
        `claude-edge.token.${key.slice(0, -2)}xx`,
      ]),
      socket("a WebSocket with a link for a request", [
        "claude-edge.feed",
        `claude-edge.token.${link}`,
      ]),
    ],
  };
}
