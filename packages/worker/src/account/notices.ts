import type { Notice, NumberedNotice, RefusedNotice } from "../session/account-port.js";
import { isVersionSkew, versionSkew } from "../object-fault.js";
import type { Audit } from "./audit.js";
import type { Directory } from "./directory.js";
import type { Feed } from "./feed.js";
import type { Inbox } from "./inbox.js";
import type { NetworkGrants } from "./network-grants.js";
import type { PackLedger } from "./pack-ledger.js";
import type { RequestIndex } from "./request-index.js";
import type { Slots } from "./slots.js";
import type { Spending } from "./spending.js";
import type { UsageTable } from "./usage-table.js";

/** The tables of an account that notices of its sessions change. */
interface Noticed {
  inbox: Inbox;
  directory: Directory;
  slots: Slots;
  requests: RequestIndex;
  usage: UsageTable;
  spending: Spending;
  packs: PackLedger;
  grants: NetworkGrants;
  feed: Feed;
  audit: Audit;
}

interface AppliedNotices {
  hasFreedSlot: boolean;
  refused: RefusedNotice | undefined;
}

/** Notices after which another turn may run. */
const FREEING = new Set<Notice["kind"]>(["ended", "waiting"]);

/** Applies notices of sessions to the account, each once. */
export class Notices {
  readonly #storage: DurableObjectStorage;
  readonly #tables: Noticed;

  constructor(storage: DurableObjectStorage, tables: Noticed) {
    this.#storage = storage;
    this.#tables = tables;
  }

  /**
   * Applies notices that were not applied before, in order. Those that share an id are applied together or not at all,
   * and nothing after one that cannot be applied: the session decides what becomes of it. `hasFreedSlot`: another turn
   * may run.
   */
  apply(session: string, notices: NumberedNotice[]): AppliedNotices {
    const { inbox, spending } = this.#tables;
    const applied = inbox.applied(session);
    const fresh = Map.groupBy(
      notices.filter(({ id }) => id > applied),
      ({ id }) => id,
    );
    const done: NumberedNotice[] = [];
    let refused: RefusedNotice | undefined;
    this.#storage.transactionSync(() => {
      for (const [id, together] of fresh) {
        let index = 0;
        try {
          this.#storage.transactionSync(() => {
            for (; index < together.length; index += 1) {
              this.#applyOne(session, together[index]!.notice);
            }
          });
        } catch (error) {
          const message = String(error);
          refused = { id, index, message, ...(isVersionSkew(error) ? { isSkew: true } : {}) };
          spending.forgetSums();
          break;
        }
        done.push(...together);
      }
      const last = done.at(-1);
      if (last) inbox.setApplied(session, last.id);
    });
    return { hasFreedSlot: done.some(({ notice }) => FREEING.has(notice.kind)), refused };
  }

  #applyOne(session: string, notice: Notice): void {
    const { directory, slots, usage, spending, requests, packs, grants, feed, audit } =
      this.#tables;
    switch (notice.kind) {
      case "session": {
        const change = directory.show(notice.resource, notice.storedBytes);
        return change && feed.ofSession(session, change);
      }
      case "event":
        return feed.ofSession(session, "event");
      case "expired":
        return feed.ofSession(session, "expired");
      case "waiting":
        return slots.setWaiting(notice.turn);
      case "ended":
        usage.addTurn(notice.turn, session, notice.at);
        grants.endTurn(session, notice.turn);
        feed.ofTurn(notice.turn, session, notice.status);
        return slots.end(notice.turn);
      case "usage":
        return usage.add(notice.turn, session, notice.model, notice.day, notice.used);
      case "call":
        return void spending.add(session, notice.id, notice.day, notice.used);
      case "request":
        feed.ofRequest(session, notice);
        return requests.set(notice.id, session, notice.status);
      case "denied":
        return feed.ofDenial(session, notice.turn);
      case "grant":
        // One for a turn that has ended counts for nothing.
        if (notice.scope === "turn" && slots.get(notice.turn)?.session_id !== session) return;
        return grants.add(notice.host, notice.scope, session, notice.turn);
      case "audit":
        return audit.addOf(session, notice);
      case "packs.released":
        return packs.release(notice.folder, notice.packs, Date.now());
      default:
        throw versionSkew(`there is no notice ${(notice satisfies never as Notice).kind}`);
    }
  }
}
