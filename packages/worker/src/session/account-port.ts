import type {
  AuditAction,
  AuditActor,
  NetworkScope,
  Priority,
  RequestKind,
  RequestStatus,
  SessionResource,
  WaitingFor,
} from "@claude-edge/protocol";

import type { ModelCall, ModelUsage } from "../egress/model-call.js";
import type { NewSecret } from "../secrets/secret-table.js";

/** Makes a POST repeatable: its idempotency key and a digest of the request. */
export interface Idempotency {
  key: string;
  fingerprint: string;
}

/** A caller, as the audit log names it. */
export interface Actor {
  /** The id of its token; the holder of the root key without one. */
  token?: string | undefined;
  /** The id of its HTTP request. */
  requestId?: string | undefined;
}

/** Checks of a caller that precede any work for it. A revoked token is refused. */
export interface CallerCheck extends Actor {
  /** When that token was issued, milliseconds since 1970. */
  issuedAt?: number | undefined;
  /** The request's first call, which counts against the account's rate limit. */
  isFirst: boolean;
}

/** A request to admit a turn. */
export interface TurnAdmission {
  check: CallerCheck;
  session: string;
  turn: string;
  /** Before which of the session's queued turns it comes; `later` without it. */
  priority?: Priority | undefined;
  idempotency?: Idempotency | undefined;
  /** The session is new: its directory entry, or `ephemeral` for one that is not listed. */
  create?: SessionResource | "ephemeral" | undefined;
  /** The caller may list the account's sessions. */
  maySeeSessions: boolean;
}

/** A request to admit a new session. */
export interface SessionAdmission {
  check: CallerCheck;
  session: string;
  idempotency?: Idempotency | undefined;
  listed: SessionResource;
}

export type TurnAdmitted =
  /** The turn may run now, or is queued. */
  | { status: "running" | "queued"; waitingFor?: WaitingFor | undefined }
  /** The idempotency key was used before, for this turn. */
  | { status: "known"; session: string; turn: string | null };

/** The result of an earlier request with an idempotency key: a session, and a turn if it created one. */
export interface KeyUse {
  session: string;
  turn: string | null;
}

/** Changes of a session's secrets. */
export interface SessionSecretChanges {
  set: NewSecret[];
  /** Names of those that are taken away. */
  remove: string[];
  /** Of those whose name begins so, only these placeholders stay: options that held the others are gone. */
  credentials?: { prefix: string; keep: string[] };
}

/** What a caller did, for the audit log. */
export interface AuditNotice {
  kind: "audit";
  at: number;
  action: AuditAction;
  actor: AuditActor;
  target: string;
  requestId?: string | undefined;
  details?: Record<string, unknown> | undefined;
}

/** A message from a session to its account. Delivered in order, applied once. */
export type Notice =
  /** The session's new directory entry, and the bytes in its database and in R2. */
  | { kind: "session"; resource: SessionResource; storedBytes: number }
  /** The turn waits for an answer without a container, so its slot is free. */
  | { kind: "waiting"; turn: string }
  | { kind: "ended"; turn: string; at: number; status: "completed" | "failed" | "interrupted" }
  /** Usage of a turn; `turn` may be empty. */
  | { kind: "usage"; turn: string; day: string; model: string; used: ModelUsage }
  /** A model call whose {@link AccountPort.spend} may not have arrived. The account counts each id once. */
  | { kind: "call"; id: number; day: string; used: ModelUsage }
  | { kind: "request"; id: string; turn: string; asks: RequestKind; status: RequestStatus }
  /** A host was allowed for the turn, for the session or for the account. */
  | { kind: "grant"; host: string; turn: string; scope: NetworkScope }
  /** A host was denied that had not been denied in the turn before; `turn` is empty for none. */
  | { kind: "denied"; turn: string }
  | AuditNotice
  /** Something happened in the session while no turn ran: its events have it. */
  | { kind: "event" }
  /** The session was kept for as long as it should be, and deletes itself. */
  | { kind: "expired" }
  /** The session with this folder in R2 needs these packs no more: its own, or those of a session it was forked from. */
  | { kind: "packs.released"; folder: string; packs: string[] };

/** A notice with its id in the session's outbox, which those of one transaction share. */
export interface NumberedNotice {
  id: number;
  notice: Notice;
}

/** The first notice of a batch that the account could not apply. It has applied those with lower ids. */
export interface RefusedNotice {
  id: number;
  /** Its place among the notices with this id. */
  index: number;
  message: string;
  /** The account is older than its session, and does not know such a notice yet. */
  isSkew?: boolean;
}

/** The budget that a session may spend before it asks again. */
export interface BudgetLease {
  /** `null`: unlimited. */
  tokens: number | null;
  /** Picodollars; `null`: unlimited. */
  cost: number | null;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** The methods of an account that its sessions call. */
export interface AccountPort {
  /** @throws EdgeError `unauthorized`, `rate_limited`, `queue_full`, `budget_spent`, `too_many_sessions`, `idempotency_conflict`. */
  admitTurn(admission: TurnAdmission): Promise<TurnAdmitted>;
  /** Lists a new session. Returns its id, or that of the session its idempotency key created before. @throws as {@link admitTurn}. */
  admitSession(admission: SessionAdmission): Promise<string>;
  /** Looks up an idempotency key. @throws EdgeError `unauthorized`, `rate_limited`, `idempotency_conflict`. */
  keyUse(check: CallerCheck, idempotency: Idempotency | undefined): Promise<KeyUse | undefined>;
  /** Takes back a turn that could not be stored; with `exists` false also its session, if it was to be created with it. */
  withdrawTurn(session: string, turn: string, exists: boolean): Promise<void>;
  /**
   * Removes a session from the directory, with its turns and requests, and {@link releaseFolder releases} its folder. Safe
   * to repeat.
   */
  removeSession(session: string, folder?: string): Promise<void>;
  /**
   * Notes that the session with a folder in R2 refers to packs of other sessions, before the session exists. Safe to repeat.
   */
  sharePacks(folder: string, packs: string[]): Promise<void>;
  /** Releases all packs that the session with this folder has and refers to: it is gone, or never was. Safe to repeat. */
  releaseFolder(folder: string): Promise<void>;
  /**
   * Enqueues turns that are not in the queue, and returns those that may run. `running`: what runs already and has a slot,
   * or gets one. Safe to repeat.
   */
  claimTurns(session: string, turns: string[], running?: string[]): Promise<string[]>;
  /** Applies notices that were not applied before, up to one that it cannot apply. */
  notify(session: string, notices: NumberedNotice[]): Promise<RefusedNotice | undefined>;
  /** Changes the secrets of a session, also of one that is about to be created. Safe to repeat. @throws EdgeError `too_many_secrets`. */
  changeSecrets(session: string, changes: SessionSecretChanges): Promise<void>;
  /** The variables of the session's processes: the placeholders of secrets. */
  secretVariables(session: string): Promise<Record<string, string>>;
  /** Leases a part of the budget, enough for at least one model call. @throws EdgeError `budget_spent`. */
  leaseBudget(session: string): Promise<BudgetLease>;
  /** Counts a model call once. `orphan`: its session was deleted, so its usage is recorded here too. */
  spend(
    call: ModelCall,
    day: string,
    used: ModelUsage,
    orphan: { turn: string; model: string } | undefined,
  ): Promise<void>;
}
