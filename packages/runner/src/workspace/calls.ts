import type { Place } from "./spool.js";
import type { Taken, WorkspaceOptions } from "./workspace.js";

/** What the thread is started with. */
export interface ThreadData {
  workspaces: string;
  state: string;
  options: WorkspaceOptions;
}

/** Where a session's checkpoints lie until they are stored. */
export const checkpointsFolder = (state: string, session: string): string =>
  `${state}/${session}/checkpoints`;

/** What a body that is sent to the thread holds. */
export type BodyKind = "workspace" | "blobs";

/** What the thread can be asked. */
export interface Calls {
  checkpoint(session: string, number: number, isFull: boolean): Taken;
  locate(session: string, number: number, blobs: string[]): Place[];
  release(session: string, number: number): void;
  isWhole(session: string): boolean;
  forget(session: string): void;
  /** Begins a body, which comes piece by piece. */
  open(session: string, kind: BodyKind): number;
  write(body: number, bytes: Uint8Array): void;
  /** Gives the content that is still missing. */
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
  /** An EdgeError loses its class on the way. */
  error?: { code: string; message: string };
}
