import type {
  AttachedFile,
  Priority,
  Prompt,
  SessionOptions,
  SessionResource,
  TurnStatus,
  UserMessageFields,
} from "@claude-edge/protocol";

import type { SecretToSeal } from "../secrets/secret-store.js";

/** A turn, but for its prompt: that may be a megabyte and is read once. */
export interface TurnRow {
  id: string;
  status: TurnStatus;
  boot: string | null;
  waiting_since: number | null;
  interrupted: number;
  /** The turn that has taken its prompt in. */
  steered_turn: string | null;
  resumed: number;
  first_seq: number | null;
  start_seq: number | null;
  start_cursor: number | null;
  end_seq: number | null;
  transcript_end: number | null;
  created_at: number;
  started_at: number | null;
  first_token_at: number | null;
  ended_at: number | null;
  awaited_ms: number;
  awaiting_since: number | null;
}

/** The columns of the session's row. */
export interface SessionColumns {
  id: string;
  account: string;
  title: string | null;
  tags: string;
  options: string;
  on_container_lost: SessionResource["on_container_lost"];
  approval_timeout_ms: number | null;
  expires_in: number | null;
  expires_in_since: number | null;
  forked_from: string | null;
  container: string;
  ephemeral: number;
  background: string | null;
  transcript_boot: string | null;
  log_boot: string | null;
  log_since: number;
  log_cursor: number;
  seq: number;
  created_at: number;
  updated_at: number;
}

/** What a session is given when it is created, and by updates. */
export interface SessionSettings {
  account: string;
  title: string | undefined;
  tags: string[];
  options: SessionOptions;
  onContainerLost: SessionResource["on_container_lost"];
  approvalTimeoutMs: number | undefined;
  /** How long it is kept after its last activity, seconds. */
  expiresIn?: number | undefined;
  forkedFrom?: SessionResource["forked_from"];
}

/** A session that is about to be stored. */
export interface NewSession extends SessionSettings {
  id: string;
  /** Its secrets, which its account gets sealed: they are stored with no session. */
  secrets?: SecretToSeal[];
  container: string;
  ephemeral: boolean;
}

/** A turn that is about to be stored. */
export interface NewTurn {
  id: string;
  prompt: Prompt;
  fields?: UserMessageFields | undefined;
  priority?: Priority | undefined;
  /** The prompt's attachments. */
  attachments?: AttachedFile[] | undefined;
  /** The caller's span. */
  traceparent?: string | undefined;
  /** The id of the HTTP request that it comes with. */
  requestId?: string | undefined;
  /** When the Worker got that, milliseconds since 1970. */
  receivedAt?: number | undefined;
}
