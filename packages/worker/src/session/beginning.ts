import {
  EdgeError,
  toWireError,
  type CreateSessionRequest,
  type SessionResource,
} from "@claude-edge/protocol";
import { noConversation } from "@claude-edge/protocol/internal";

import type { Env } from "../env.js";
import type { OpenFile } from "../files/files.js";
import { withAttachments } from "../files/store-attachments.js";
import { logger } from "../logger.js";
import { objectNamed } from "../objects.js";
import { containerName, OTHER_CONTAINERS, sessionName } from "../settings.js";
import { accountPort } from "./account-link.js";
import type { CallerCheck, Idempotency, TurnAdmission, TurnAdmitted } from "./account-port.js";
import type { AcceptedTurn, CreatedSession, KnownTurn, TurnCall } from "./calls.js";
import type { NewMessage } from "./ephemeral-table.js";
import { importFork } from "./fork.js";
import type { SessionParts } from "./parts.js";
import { restoreOptions } from "./redact.js";
import { splitSecrets } from "./option-secrets.js";
import { SessionSecrets } from "./session-secrets.js";
import { assertOptions, titleOf } from "./session-form.js";
import { resourceOf } from "./session-resource.js";
import type { NewSession, NewTurn } from "./row-types.js";

/** The session's object, as far as creation depends on it. */
interface CreationHost {
  parts(): SessionParts;
  /** The ids of the session and its account, from the object's name. */
  names(): { id: string; account: string };
  /** Clears the storage and replaces the parts. */
  clear(): Promise<void>;
  /** Finishes the deletion of a session of the same id, if there is one. @throws Error when it cannot be finished now. */
  finishDeletion(): Promise<void>;
  waitUntil(work: Promise<unknown>): void;
  wakeIn(ms: number): Promise<void>;
}

/** What a cut-off creation left behind is removed after this, milliseconds. */
const UNMADE_MS = 60_000;

/** Creates sessions and turns: the account admits them, then one transaction stores them. */
export class Beginning {
  readonly #env: Env;
  readonly #host: CreationHost;
  /** Turns being admitted; true for one that got its slot before it was stored. */
  readonly #admitting = new Map<string, boolean>();
  /** Serializes creations. */
  #creating: Promise<unknown> = Promise.resolve();
  /** Creations that have not ended. */
  #open = 0;

  constructor(env: Env, host: CreationHost) {
    this.#env = env;
    this.#host = host;
  }

  /** @throws EdgeError `session_exists`, `idempotency_conflict`, and as the account's admission. */
  create(
    check: CallerCheck,
    request: CreateSessionRequest,
    idempotency?: Idempotency,
  ): Promise<CreatedSession> {
    return this.exclusively(async () => {
      const session = this.#newSession(request);
      const { account, id } = session;
      const admitted = await accountPort(this.#env, account).admitSession({
        check,
        session: id,
        idempotency,
        listed: listingOf(session),
      });
      if (admitted !== id) return { known: admitted };
      if (this.#host.parts().store.exists) {
        // A retry of the request whose first reply was lost.
        const { store } = this.#host.parts();
        if (store.keys.isUsed(idempotency)) return { session: store.resource() };
        throw new EdgeError("session_exists", `Session ${id} exists already.`);
      }
      await this.#handOverSecrets(session);
      await this.#host.clear();
      const { store, link } = this.#host.parts();
      store.open();
      store.transaction(() => {
        store.insertSession(session, Date.now());
        store.keys.remember(idempotency, Date.now());
        store.publish();
      });
      await link.deliver();
      return { session: this.#host.parts().store.resource() };
    });
  }

  /** Creates the session as a copy of another. @throws EdgeError `session_exists`, and the error that broke the copy. */
  async fork(
    stream: ReadableStream<Uint8Array>,
    idempotency?: Idempotency,
  ): Promise<SessionResource> {
    return this.exclusively(async () => {
      const { id, account } = this.#host.names();
      if (this.#host.parts().store.exists) {
        await stream.cancel();
        const { store } = this.#host.parts();
        if (store.keys.isUsed(idempotency)) return store.resource();
        throw new EdgeError("session_exists", `Session ${id} exists already.`);
      }
      await this.#host.clear();
      const { store, files, link } = this.#host.parts();
      store.open();
      await this.#host.wakeIn(UNMADE_MS);
      try {
        const container = containerName(this.#env, account, id);
        const share = (folder: string, packs: string[]) =>
          accountPort(this.#env, account).sharePacks(folder, packs);
        await importFork(store, files, stream, { id, container, share });
      } catch (error) {
        // What this cannot clear the alarm does.
        await this.#host
          .clear()
          .catch((failure: unknown) =>
            logger.warn("fork not cleared", { account, session: id, error: failure }),
          );
        throw error;
      }
      store.transaction(() => {
        store.keys.remember(idempotency, Date.now());
        store.publish();
      });
      await link.deliver();
      return this.#host.parts().store.resource();
    });
  }

  /** Creates an ephemeral session of one turn for a request of the Messages API. @throws EdgeError as {@link turn}. */
  message(check: CallerCheck, message: NewMessage): Promise<AcceptedTurn> {
    return this.exclusively(async () => {
      const { id, account } = this.#host.names();
      const { turn, options, requestId } = message;
      const admission: TurnAdmission = {
        check,
        session: id,
        turn,
        create: "ephemeral",
        maySeeSessions: false,
      };
      return this.#admit(account, admission, async (admitted) => {
        await this.#host.clear();
        const { store, turns } = this.#host.parts();
        store.open();
        const isRunning = this.#takeSlot(turn, admitted);
        const accepted = store.transaction(() => {
          store.insertSession(
            {
              id,
              account,
              title: undefined,
              tags: [],
              options,
              onContainerLost: "fail",
              approvalTimeoutMs: undefined,
              // These sessions have no files, so they share one container under either isolation.
              container: containerName(this.#env, account, OTHER_CONTAINERS.messages),
              ephemeral: true,
            },
            Date.now(),
          );
          store.transcripts.append("", message.transcript);
          store.ephemeral.insert(message);
          return this.#insertTurn({ id: turn, prompt: "", requestId }, isRunning, {});
        });
        if (isRunning) turns.dispatch(turn);
        await this.#host.parts().arm();
        return accepted;
      });
    });
  }

  /**
   * Accepts a prompt, and creates the session if the call says so.
   * @throws EdgeError `session_not_found`, `session_exists`, `queue_full`, `budget_spent`, `idempotency_conflict`, …
   */
  turn(call: TurnCall): Promise<AcceptedTurn | KnownTurn> {
    return call.create
      ? this.exclusively(() => this.#createTurn(call, call.create))
      : this.#createTurn(call, undefined);
  }

  async #createTurn(
    call: TurnCall,
    create: CreateSessionRequest | undefined,
  ): Promise<AcceptedTurn | KnownTurn> {
    const isNew = create !== undefined && !this.#host.parts().store.exists;
    if (!isNew) {
      const { store, log } = this.#existing();
      await log.whenReplayed();
      if (create || store.turn(call.turn)) return this.#repeat(call);
    }
    const session = isNew ? this.#newSession(create) : undefined;
    if (isNew) {
      await this.#host.clear();
      this.#host.parts().store.open();
    }
    const { attachments, borrowed } = call;
    if (isNew && (attachments || borrowed)) await this.#host.wakeIn(UNMADE_MS);
    try {
      const { files } = this.#host.parts();
      const open = (from: string, path: string) => this.#openFileOf(from, path);
      return await withAttachments(files, { attachments, borrowed, open }, (stored) =>
        this.#accept(call, session, stored),
      );
    } finally {
      if (isNew && !this.#host.parts().store.exists) await this.#host.clear();
    }
  }

  /**
   * Handles a call for a turn or a new session that exists already. It may be a retry whose first reply was lost.
   * @throws EdgeError `unauthorized`, `rate_limited`, `idempotency_conflict`, `session_exists`, `invalid_request`.
   */
  async #repeat({
    check,
    turn,
    isChosen,
    priority,
    idempotency,
    create,
  }: TurnCall): Promise<AcceptedTurn | KnownTurn> {
    const use = await accountPort(this.#env, this.#host.names().account).keyUse(check, idempotency);
    const { store } = this.#existing();
    // An id that no caller chose is of this very call, which the Worker has repeated.
    const isSame = priority !== undefined || (idempotency ? use?.turn === turn : !isChosen);
    const row = isSame ? store.turn(turn) : undefined;
    if (row) return { turn: store.turnResource(turn)!, after: row.first_seq! - 1 };
    if (use?.turn && use.turn !== turn) return { known: { session: use.session, turn: use.turn } };
    if (create) throw new EdgeError("session_exists", `Session ${store.id} exists already.`);
    throw new EdgeError("invalid_request", `id: there is a turn ${turn} already.`);
  }

  #accept(
    call: TurnCall,
    session: NewSession | undefined,
    attachments: NewTurn["attachments"],
  ): Promise<AcceptedTurn | KnownTurn> {
    const { id, account } = this.#host.names();
    const { check, turn, prompt, priority, idempotency, maySeeSessions = false } = call;
    if (session) session.title ??= titleOf(prompt);
    const admission: TurnAdmission = {
      check,
      session: id,
      turn,
      priority,
      idempotency,
      create: session && listingOf(session),
      maySeeSessions,
    };
    return this.#admit(account, admission, async (admitted) => {
      if (admitted.status === "known") {
        return { known: { session: admitted.session, turn: admitted.turn ?? turn } };
      }
      this.#host.parts().room.assertFree("The session");
      if (session) await this.#handOverSecrets(session);
      return this.#store(call, session, attachments, admitted);
    });
  }

  async #store(
    call: TurnCall,
    session: NewSession | undefined,
    attachments: NewTurn["attachments"],
    admitted: TurnAdmitted & { status: "running" | "queued" },
  ): Promise<AcceptedTurn | KnownTurn> {
    const { store, turns, log } = this.#host.parts();
    const { check, turn, prompt, fields, priority, traceparent, requestId, receivedAt } = call;
    await log.whenReplayed();
    if (!session) {
      this.#existing();
      // A concurrent call with the same id was faster.
      if (store.turn(turn)) return this.#repeat({ ...call, check: { ...check, isFirst: false } });
    }
    const isRunning = this.#takeSlot(turn, admitted);
    const accepted = store.transaction(() => {
      if (session) store.insertSession(session, Date.now());
      else if (!store.hasTitle) store.setTitle(titleOf(prompt));
      const { waitingFor } = admitted;
      const input = { prompt, fields, priority, attachments };
      const made: NewTurn = { id: turn, ...input, traceparent, requestId, receivedAt };
      const inserted = this.#insertTurn(made, isRunning, {
        ...(priority ? { priority } : {}),
        ...(attachments ? { attachments } : {}),
        ...(waitingFor && { waiting_for: waitingFor }),
      });
      store.publish();
      return inserted;
    });
    if (isRunning) turns.dispatch(turn);
    else turns.steer();
    this.#host.waitUntil(this.#host.parts().arm());
    return accepted;
  }

  /** Notes a slot for a turn that is not stored yet. False when no such turn is being admitted. */
  noteSlot(turn: string): boolean {
    if (!this.#admitting.has(turn)) return false;
    this.#admitting.set(turn, true);
    return true;
  }

  /**
   * Has the account admit a turn, and then `store` it. One that was not stored is withdrawn: the account would ask for it
   * only after a minute, and it would keep its slot until then.
   */
  async #admit<Value>(
    account: string,
    admission: TurnAdmission,
    store: (admitted: TurnAdmitted) => Promise<Value>,
  ): Promise<Value> {
    const { session, turn } = admission;
    this.#admitting.set(turn, this.#admitting.get(turn) ?? false);
    let isRefused = false;
    try {
      const admitted = await accountPort(this.#env, account)
        .admitTurn(admission)
        .catch((error: unknown) => {
          // The reply of an account that was reset may be lost after it has admitted the turn.
          isRefused = toWireError(error).code !== "internal";
          throw error;
        });
      // Its key belongs to another turn.
      isRefused = admitted.status === "known";
      return await store(admitted);
    } catch (error) {
      const { store: stored } = this.#host.parts();
      if (!isRefused && !(stored.exists && stored.turn(turn))) {
        const withdrawn = accountPort(this.#env, account).withdrawTurn(
          session,
          turn,
          stored.exists,
        );
        await withdrawn.catch(() => {});
      }
      throw error;
    } finally {
      this.#admitting.delete(turn);
    }
  }

  /** Whether a turn got its slot, on admission or since, and may use it. */
  #takeSlot(turn: string, { status }: TurnAdmitted): boolean {
    const isGranted = status === "running" || this.#admitting.get(turn) === true;
    // A turn whose slot ran out may still run. This one is claimed when that has ended.
    return isGranted && this.#host.parts().store.mayRun;
  }

  /** Stores a turn with its first event. Call it in a transaction. */
  #insertTurn(turn: NewTurn, isRunning: boolean, more: object): AcceptedTurn {
    const { store, log } = this.#host.parts();
    const after = log.lastSeq;
    store.insertTurn(turn, isRunning ? "running" : "queued", after + 1, Date.now());
    log.emitOwn(turn.id, "turn", {
      session_id: store.id,
      status: "queued",
      prompt: turn.prompt,
      ...more,
    });
    return { turn: { ...store.turnResource(turn.id)!, status: "queued" }, after };
  }

  /** The account has the secrets before there is a session that needs them. */
  async #handOverSecrets({ account, id, secrets = [] }: NewSession): Promise<void> {
    await new SessionSecrets(this.#env, account, id).change({ secrets, removed: [] });
  }

  #newSession(request: CreateSessionRequest): NewSession {
    const { title, tags = [], on_container_lost: onContainerLost = "auto" } = request;
    const expiresIn = request.expires_in === "never" ? undefined : request.expires_in;
    const { id, account } = this.#host.names();
    const { options, secrets } = splitSecrets(id, restoreOptions(request.options ?? {}));
    assertOptions(this.#env, options);
    return {
      id,
      account,
      title,
      tags,
      options,
      secrets,
      onContainerLost,
      approvalTimeoutMs: request.approval_timeout_ms,
      expiresIn,
      container: containerName(this.#env, account, id, options),
      ephemeral: false,
    };
  }

  /** Opens a file of another session of the account. @throws EdgeError `file_not_found`, `not_a_file`. */
  async #openFileOf(session: string, path: string): Promise<OpenFile> {
    const { account } = this.#host.names();
    type Other = { file(method: string, args: unknown[]): Promise<OpenFile> };
    const other = objectNamed<Other>(this.#env, "SESSION", sessionName(account, session));
    try {
      return await other.file("openFile", [path]);
    } catch (error) {
      if ((error as { code?: string }).code !== "session_not_found") throw error;
      throw new EdgeError("file_not_found", `There is no file ${path}.`);
    }
  }

  /** @throws EdgeError `session_not_found`. */
  #existing(): SessionParts {
    if (this.#host.parts().store.exists) return this.#host.parts();
    throw new EdgeError("session_not_found", noConversation(this.#host.names().id));
  }

  /** A turn is being admitted. */
  get isAdmitting(): boolean {
    return this.#admitting.size > 0;
  }

  /** A creation is in progress. */
  get isBusy(): boolean {
    return this.#open > 0;
  }

  /** Removes what a cut-off creation left behind. */
  async clearUnmade(): Promise<void> {
    if (this.isBusy) return this.#host.wakeIn(UNMADE_MS);
    await this.exclusively(async () => {
      if (!this.#host.parts().store.exists) await this.#host.clear();
    });
  }

  /** Runs work while no creation is in progress. */
  exclusively<Value>(work: () => Promise<Value>): Promise<Value> {
    this.#open += 1;
    const begin = async () => {
      await this.#host.finishDeletion();
      return work();
    };
    const done = this.#creating.then(begin, begin).finally(() => {
      this.#open -= 1;
    });
    this.#creating = done.catch(() => {});
    return done;
  }
}

/** The directory entry of a session that is about to be created. */
function listingOf(session: NewSession): SessionResource {
  const now = Date.now();
  return resourceOf(session, { status: "idle", lastSeq: 0, createdAt: now, updatedAt: now });
}
