import type { Place } from "./spool.js";
import type { Taken, WorkspaceOptions } from "./workspace.js";

/** The thread's startup data. */
export interface ThreadData {
  workspaces: string;
  state: string;
  options: WorkspaceOptions;
}

/** The folder of a session's checkpoints that are not stored yet. */
export const checkpointsFolder = (state: string, session: string): string =>
  `${state}/${session}/checkpoints`;

/** The kind of a body that is sent to the thread. */
export type BodyKind = "workspace" | "blobs";

/** The calls that the thread answers. */
export interface Calls {
  checkpoint(session: string, number: number, isFull: boolean): Taken;
  locate(session: string, number: number, blobs: string[]): Place[];
  release(session: string, number: number): void;
  isComplete(session: string): boolean;
  forget(session: string): void;
  /** Opens a body, to be written in chunks. */
  open(session: string, kind: BodyKind): number;
  write(body: number, bytes: Uint8Array): void;
  /** Returns the hashes of content that is still missing. */
  end(body: number): string[];
  drop(body: number): void;
}

export interface Call {
  id: number;
  name: keyof Calls;
  args: unknown[];
}

export interface Answer {
  id: number;
  result?: unknown;
  /** Plain data, because an EdgeError loses its class in a message. */
  error?: { code: string; message: string };
}
