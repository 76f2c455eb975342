import { toWireError } from "@claude-edge/protocol";

import type { Env } from "../env.js";
import { Audit } from "./audit.js";
import type { Directory } from "./directory.js";
import { FeedReaders, READER_HEADER, type FeedReader } from "./feed-readers.js";
import { FeedTable } from "./feed-table.js";
import { Feed } from "./feed.js";
import { Webhooks } from "./webhooks.js";

interface OutsideHost {
  readonly name: string;
  directory: Directory;
  isRevoked(token: string): boolean;
  /** @throws EdgeError when the account serves nothing. */
  assertServes(): void;
  /** Called before something is stored that no session stands for. @throws EdgeError `storage_full`. */
  beforeAdd(): void;
  arm(): void;
}

/** What others are told of the account: its feed, its webhooks, its audit log. */
export class Outside {
  readonly feed: Feed;
  readonly audit: Audit;
  readonly webhooks: Webhooks;
  readonly readers: FeedReaders;
  readonly #host: OutsideHost;
  #isWaking = false;

  constructor(ctx: DurableObjectState, env: Env, host: OutsideHost) {
    this.#host = host;
    this.audit = new Audit(ctx.storage.sql, host.arm);
    const entries = new FeedTable(ctx.storage.sql);
    this.readers = new FeedReaders(entries, {
      acceptWebSocket: (socket) => ctx.acceptWebSocket(socket),
      getWebSockets: () => ctx.getWebSockets(),
      setWebSocketAutoResponse: (pair) => ctx.setWebSocketAutoResponse(pair),
      isRevoked: host.isRevoked,
    });
    this.webhooks = new Webhooks(ctx.storage, env, {
      name: host.name,
      audit: this.audit,
      beforeAdd: host.beforeAdd,
      arm: host.arm,
      waitUntil: (work) => ctx.waitUntil(work),
      wake: () => {
        if (this.#isWaking) return;
        this.#isWaking = true;
        // Before anything is awaited: the alarm is set if and only if what it is for is stored.
        queueMicrotask(() => {
          this.#isWaking = false;
          void ctx.storage.setAlarm(Date.now());
        });
      },
    });
    this.feed = new Feed(entries, {
      directory: host.directory,
      onEntry: (entry, now) => {
        this.webhooks.onEntry(entry, now);
        this.readers.wake();
      },
    });
  }

  /** The feed over a WebSocket: only a request can bring one. The Worker has checked its caller. */
  accept({ headers }: Request): Response {
    try {
      this.#host.assertServes();
      const reader = JSON.parse(headers.get(READER_HEADER) ?? "{}") as FeedReader;
      return this.readers.accept(reader, headers.get("sec-websocket-protocol"));
    } catch (error) {
      const { code, message } = toWireError(error);
      return Response.json({ code, message }, { status: 400 });
    }
  }

  /** The account was erased. */
  forget(): void {
    this.webhooks.forget();
    this.readers.endAll();
  }
}
