import { MAX_WORKSPACE_FILES } from "@claude-edge/protocol";

/** How a runner treats its processes, and their files. */
export interface ProcessPolicy {
  /** How long a session's process is kept after its last turn, milliseconds. */
  hotMs: number;
  /** How long running turns may go on once the runner was told to end, milliseconds. */
  drainMs: number;
  /**
   * How long tasks in the background, and what they cause, may go on after the last turn, milliseconds; 0: there are none.
   * They keep the container awake, and each may cause model calls.
   */
  backgroundMs: number;
  /** How many processes are kept ready for new sessions. */
  spares: number;
  /**
   * By how much the priority of agents and their tools is below the runner's. A shell that takes every core must not make
   * the runner late: a container whose runner does not answer is taken to hang.
   */
  niceness: number;
  /** A process is replaced after this many turns: it keeps its history in memory. */
  maxTurns: number;
  /** A process is replaced once it holds this much memory, bytes. */
  maxResidentBytes: number;
  /** A process is started only while this much memory is left, bytes: what an active one needs. */
  reserveBytes: number;
  /** The largest number of files that a workspace may have and still be checkpointed. */
  maxWorkspaceFiles: number;
}

export const DEFAULT_POLICY: ProcessPolicy = {
  hotMs: 10 * 60_000,
  // The platform kills a container 15 minutes after SIGTERM.
  drainMs: 14 * 60_000,
  backgroundMs: 60 * 60_000,
  spares: 1,
  niceness: 10,
  maxTurns: 100,
  maxResidentBytes: 300 * 1024 * 1024,
  reserveBytes: 300 * 1024 * 1024,
  maxWorkspaceFiles: MAX_WORKSPACE_FILES,
};
