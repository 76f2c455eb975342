import { EdgeError, type TurnStatus } from "@claude-edge/protocol";
import type { LogFrame } from "@claude-edge/protocol/runner";

import { armAlarm } from "../arm-alarm.js";
import { containerStub, type ContainerStub } from "../container/runner-client.js";
import type { Env } from "../env.js";
import { FileStore } from "../files/file-store.js";
import { Files } from "../files/files.js";
import { RunnerLog } from "../log/runner-log.js";
import { SessionLog } from "../log/session-log.js";
import { logger } from "../logger.js";
import { objectId } from "../objects.js";
import { readCollector } from "../otlp-settings.js";
import { accountOf, objectBytes, readRetention } from "../settings.js";
import { StorageRoom } from "../sql/storage-room.js";
import { AccountLink } from "./account-link.js";
import { FrameApplier } from "./apply-frame.js";
import { BackgroundTasks } from "./background.js";
import { Placement } from "./placement.js";
import { ProcessSpans } from "./process-spans.js";
import { noteQuietEvent } from "./quiet-events.js";
import { Requests } from "./requests.js";
import { Steering } from "./steering.js";
import type { TurnRow } from "./row-types.js";
import { Store } from "./store.js";
import { TraceExport } from "./trace-export.js";
import { Turns } from "./turns.js";
import { WaitingTurns } from "./waiting-turns.js";
import { WorkspaceSync } from "./workspace-sync.js";

/** While a turn is open or there is something to tell, the object is woken at least this often, milliseconds. */
const ALARM_MS = 30_000;

/** An ephemeral session that its client did not delete is deleted this long after its end, milliseconds. */
const ABANDONED_MS = 15_000;

/** The components of a session, wired together. The session may not exist: its storage decides. */
export class SessionParts {
  readonly #ctx: DurableObjectState;
  readonly store: Store;
  readonly room: StorageRoom;
  readonly log: SessionLog;
  readonly files: Files;
  readonly requests: Requests;
  readonly steering: Steering;
  readonly waiting: WaitingTurns;
  readonly runnerLog: RunnerLog;
  readonly workspace: WorkspaceSync;
  readonly turns: Turns;
  readonly link: AccountLink;
  readonly traceExport: TraceExport;
  readonly processSpans: ProcessSpans;
  readonly container: () => ContainerStub;
  readonly placement: Placement;

  constructor(ctx: DurableObjectState, env: Env) {
    this.#ctx = ctx;
    const store = new Store(ctx.storage, readRetention(env), readCollector(env) !== undefined);
    const room = new StorageRoom(ctx.storage.sql, objectBytes(env));
    const log = new SessionLog(store);
    log.onStored = () => {
      if (!store.isEphemeral) noteQuietEvent(ctx.storage.sql, store.outbox, Date.now());
    };
    const container = () => containerStub(env, store.container);
    const link = new AccountLink(ctx, env, store, () => this.arm());
    const stored = new FileStore(ctx.storage, env, {
      get id() {
        return store.id;
      },
      get subject() {
        return store.subject;
      },
      get accountObject() {
        return objectId(env, "ACCOUNT", accountOf(ctx.id.name ?? ""));
      },
      turn: (id) => store.turn(id),
      seqOfMessage: (uuid) => store.events.seqOfMessage(uuid),
      attachedHashes: () => attachedHashes(store),
      turnEnds: (from, to) => store.turnEnds(from, to),
      openSince: () => store.openTurns()[0]?.first_seq ?? undefined,
      onReleased: (folder, packs) => store.outbox.add({ kind: "packs.released", folder, packs }),
    });
    const files = new Files(stored, {
      assertFree: () => assertFilesWritable(store),
      whenReplayed: () => log.whenReplayed(),
      get lastSeq() {
        return log.lastSeq;
      },
      emitOwn: (turn, kind, rest) => {
        log.emitOwn(turn, kind, rest);
        store.publish();
      },
      transaction: (work) => store.transaction(work),
    });
    const requests = new Requests(ctx, env, store, log, {
      container,
      onAnswered: (turn, request) => {
        this.waiting.resume(turn, request);
        ctx.waitUntil(this.claim());
      },
    });
    const steering = new Steering(ctx, store, log, container);
    const background = new BackgroundTasks(store, log, requests);
    const applier = new FrameApplier(store, log, { requests, steering, files, background });
    const runnerLog = new RunnerLog(ctx, store, log, stored, {
      container,
      apply: (boot, frame, checkpoint) => applier.apply(boot, frame, checkpoint),
      onReplayed: (frame) => applier.noteToken(frame),
      onApplied: (frames) => {
        const hasFreedSlot = frames.some(
          (frame) => frame.kind === "turn" && frame.status !== "running",
        );
        if (hasFreedSlot) this.turns.onFreed();
        if (frames.some(({ kind }) => kind === "request")) ctx.waitUntil(this.arm());
        // The background may be over: then the log need not be followed any more.
        if (frames.some(isSessionState)) runnerLog.touch();
      },
      assertRoom: () => room.assertLeft("The session"),
      abandon: (boot, frame, thrown) => applier.abandon(boot, frame, thrown),
      onPutAside: (turn) => this.turns.onAbandoned(turn),
      onLost: (boot, sawEnd) => {
        background.onLost();
        this.turns.onLost(boot, sawEnd);
      },
    });
    const workspace = new WorkspaceSync(ctx, store, stored, runnerLog, container);
    const placement = new Placement(env, store, runnerLog, workspace);
    const waiting = new WaitingTurns(store, log, requests, (turn, end) =>
      this.turns.end(turn, end),
    );
    this.store = store;
    this.room = room;
    this.log = log;
    this.files = files;
    this.requests = requests;
    this.steering = steering;
    this.runnerLog = runnerLog;
    this.workspace = workspace;
    this.waiting = waiting;
    this.link = link;
    this.processSpans = new ProcessSpans(env, ctx.storage.sql);
    this.traceExport = new TraceExport(ctx, env, store, () => ctx.waitUntil(this.arm()));
    this.container = container;
    this.placement = placement;
    this.turns = new Turns({
      ctx,
      env,
      store,
      log,
      runnerLog,
      requests,
      steering,
      waiting,
      files,
      workspace,
      placement,
      container,
      onChanged: () => ctx.waitUntil(this.claim()),
    });
  }

  /**
   * Resumes open work, after a restart of the object and on every alarm. What cannot be resumed holds up nothing else: the
   * object could not be loaded at all.
   */
  resume(): void {
    if (!this.store.exists) return;
    const steps = [
      () => this.turns.resume(),
      () => this.requests.resume(),
      () => this.waiting.resumeAnswered(),
    ];
    for (const step of steps) {
      try {
        step();
      } catch (error) {
        logger.error("session did not resume its work", { ...this.store.subject, error });
      }
    }
    this.#ctx.waitUntil(this.claim());
  }

  /** Delivers notices to the account, claims slots for queued turns and starts those that got one. */
  async claim(): Promise<void> {
    if (!this.store.exists) return;
    await this.link.deliver();
    // Notices go first: until the account knows that an answered turn waited, it counts the turn as running.
    const open = this.link.isStuck || !this.store.exists ? [] : this.store.openTurns();
    // A turn whose prompt another has taken in has no slot: to the account it is queued until both end.
    const statusOf = ({ status, steered_turn: by }: TurnRow) => (by === null ? status : "queued");
    const idsOf = (wanted: TurnStatus) =>
      open.filter((turn) => statusOf(turn) === wanted).map(({ id }) => id);
    const [queued, running] = [idsOf("queued"), idsOf("running")];
    if (queued.length + running.length > 0) {
      const claimed = this.link.port.claimTurns(this.store.id, queued, running);
      const granted = await claimed.catch(() => []);
      if (this.store.exists) for (const turn of granted) this.turns.grant(turn);
    }
    await this.arm();
  }

  // The alarm keeps a turn going with no client connected.

  async onAlarm(): Promise<void> {
    this.resume();
    this.traceExport.send();
    const { stored } = this.files;
    const upkeepDue = this.store.exists ? stored.upkeepDue() : undefined;
    if (upkeepDue !== undefined && upkeepDue <= Date.now()) await stored.upkeep(Date.now());
    await this.arm();
  }

  /** Whether this is an ephemeral session whose client failed to delete it. */
  isAbandoned(now: number): boolean {
    const due = this.#abandonedAt();
    return due !== undefined && due <= now;
  }

  /** Whether this session was kept for as long as it should be. Not while a file is being written. */
  isExpired(now: number): boolean {
    const due = this.store.expiresAt();
    return due !== undefined && due <= now && !this.files.stored.blobs.busy;
  }

  /** When to look whether it has expired. Something may hold it up when it is due, or has only just woken it. */
  #expiryCheckAt(): number | undefined {
    const due = this.store.expiresAt();
    return due !== undefined && due <= Date.now() ? Date.now() + ALARM_MS : due;
  }

  /** Sets the alarm for the next due work, or removes it. */
  async arm(): Promise<void> {
    await armAlarm(this.#ctx.storage, () => {
      // A deletion, or a creation that was cut off, has an alarm of its own.
      if (!this.store.exists) return undefined;
      return [
        this.store.background.isActive ||
        this.store.openTurns().some(({ status }) => status !== "waiting")
          ? Date.now() + ALARM_MS
          : undefined,
        this.store.outbox.isEmpty
          ? undefined
          : Date.now() + (this.link.isStuck ? this.link.retryMs : ALARM_MS),
        this.requests.nextExpiry(),
        this.traceExport.dueAt(),
        this.files.stored.upkeepDue(),
        this.#abandonedAt(),
        this.#expiryCheckAt(),
      ];
    });
  }

  #abandonedAt(): number | undefined {
    return this.store.isEphemeral ? addMs(this.store.lastEnd(), ABANDONED_MS) : undefined;
  }
}

const isSessionState = (frame: LogFrame): boolean =>
  frame.kind === "message" && frame.message.subtype === "session_state_changed";

const addMs = (time: number | undefined, ms: number) =>
  time === undefined ? undefined : time + ms;

/** @throws EdgeError `session_not_found`, `turn_running`. */
function assertFilesWritable(store: Store): void {
  if (!store.exists) throw new EdgeError("session_not_found", "The session was deleted.");
  const [open] = store.openTurns();
  if (!open || open.status === "waiting") return;
  const message = `Turn ${open.id} is ${open.status}: files can be written when it has ended.`;
  throw new EdgeError("turn_running", message, { turn_id: open.id });
}

/** Hashes of the attachments of open turns that are not in the workspace yet. */
const attachedHashes = (store: Store): string[] =>
  store
    .openTurns()
    .flatMap(({ id }) => store.attachmentsOf(id))
    .flatMap((attachment) => ("sha256" in attachment ? [attachment.sha256] : []));
