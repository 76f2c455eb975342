import type { CredentialKind } from "./credential-kind.js";

/** Answer of `GET /v1/status`: what a deployment knows of itself and of the account's container. */
export interface DeploymentStatus {
  /** The Worker's version. */
  version: string;
  /** What it speaks with clients. */
  protocol: number;
  /** What it speaks with the runners in containers. */
  runner_protocol: number;
  /** The model credential; null when none is set. */
  model: ModelStatus | null;
  container: ContainerStatus;
  /** Deployments before this field do not tell. */
  files?: FilesStatus;
}

/** Where the files of sessions are kept. */
export interface FilesStatus {
  /** `sqlite`: in the sessions' own storage. */
  storage: "r2" | "sqlite";
  /** How many bytes an account may have there; R2 sets none. */
  max_bytes?: number;
}

/** A model credential, by all that may be told of it. */
export interface ModelStatus {
  /** The secret it is in. */
  variable: string;
  /** What it looks like. */
  kind: CredentialKind;
  /** Another address than the model API's own is asked. */
  has_base_url: boolean;
}

/** The account's container; with one for each session, the one that was used last. */
export interface ContainerStatus {
  /** `silent`: it runs, and its runner does not answer. */
  state: "asleep" | "starting" | "running" | "silent";
  /** These are the runner's own word, and there when it answers. */
  runner_version?: string;
  /** What it speaks with Workers. */
  protocol?: number;
  /** The Agent SDK's; runners before this field do not tell. */
  sdk_version?: string;
  /** Why it cannot run an agent. */
  error?: string;
  /** How many tasks run in the background, of all sessions in it; not there when none does. */
  background_tasks?: number;
}

/** Data of each event of `GET /v1/status/stream`. */
export interface Tick {
  /** 1 to {@link TICKS}. */
  n: number;
  /** When it was sent, milliseconds since 1970. */
  at: number;
}

/** Events of `GET /v1/status/stream`, and the pause between two, milliseconds. */
export const TICKS = 3;
export const TICK_MS = 100;
