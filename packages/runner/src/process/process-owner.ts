import type { CallbackContext } from "../callbacks/callbacks.js";
import type { WorkspaceReadiness } from "../workspace/hooks.js";
import type { ProcessCallbacks } from "./agent-process.js";

/** A session, as its process sees it. */
export interface ProcessOwner extends ProcessCallbacks {
  readonly id: string;
  readonly callbacks: CallbackContext;
  readonly files: WorkspaceReadiness;
  /** Called after every tool that may write. Resolves once the checkpoint of what it changed is in the log. */
  onToolDone(): Promise<void>;
  /** Called when all tools of an answer are done. Resolves once the process has been given what is to go along with them. */
  onToolsDone(): Promise<void>;
}
