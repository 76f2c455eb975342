import type { NetworkUse } from "./network.js";
import type { TurnStatus } from "./resources.js";

/** What one step of a turn was. */
export type TraceStepKind =
  /** From its request, in the Worker, until the session had accepted it. */
  | "admission"
  /** Waiting for a slot, behind other turns. */
  | "queue"
  /** Getting the container: starting it, if there was none. */
  | "container"
  /** Sending the conversation to a container that does not have it. */
  | "transcript"
  /** Bringing the session's files into the container; the model is asked meanwhile. */
  | "files"
  /** Getting a process for the session. */
  | "process"
  /** A call of the model. */
  | "model"
  /** A tool, its wait for an approval included. */
  | "tool"
  /** A request that waited for an answer. */
  | "request"
  /** The session's files were stored. */
  | "checkpoint"
  /** The turn waited for an answer with no process held for it. */
  | "wait";

/** A step of a turn. Times are milliseconds since 1970. */
export interface TraceStep {
  /** What it was. */
  kind: TraceStepKind;
  /** The tool's, the model's, the request's kind; otherwise the step's. */
  name: string;
  /** When it began. */
  start: number;
  /** Absent when its end is not known: it runs still, or was cut off. */
  end?: number;
  /** It failed, or was refused. */
  failed?: true;
  /** What else is known of it; no content of prompts, answers or files. */
  attributes?: Record<string, string | number | boolean>;
}

/** Answer of `GET /v1/sessions/{id}/turns/{turn}/trace`: where the time of a turn went. Times are milliseconds since 1970. */
export interface TurnTrace {
  /** The session's id. */
  session_id: string;
  /** The turn's id. */
  turn_id: string;
  /** The caller's trace, from its `traceparent`, or the turn's own: 32 hexadecimal digits. */
  trace_id: string;
  /** The caller's span, if it came with one. */
  parent_span_id?: string;
  /** Where the turn stands. */
  status: TurnStatus;
  /** When the turn was accepted. */
  start: number;
  /** When it ended. */
  end?: number;
  /** When the first piece of its answer, or of its thinking, came. */
  first_token_at?: number;
  /** By their start. */
  steps: TraceStep[];
  /** What its container asked of hosts meanwhile. */
  network: Omit<NetworkUse, "turn_id">[];
  /** Steps beyond the most that are kept. */
  dropped_steps?: number;
}
