import { EdgeError, type CheckpointReason, type Prompt } from "@claude-edge/protocol";

import { RESTORE_PATIENCE_MS, type WorkspaceReadiness } from "../workspace/hooks.js";
import type { Workspaces } from "../workspace/workspaces.js";
import { withAttachments } from "./attachments.js";
import type { Turn } from "./turn.js";

/** The files of one session. */
export class SessionFiles implements WorkspaceReadiness {
  readonly #workspaces: Workspaces;
  readonly #session: string;
  readonly #folder: string;

  constructor(workspaces: Workspaces, session: string, folder: string) {
    this.#workspaces = workspaces;
    this.#session = session;
    this.#folder = folder;
  }

  isComplete(): boolean {
    return this.#workspaces.isComplete(this.#session);
  }

  whenComplete(): Promise<void> {
    return this.#workspaces.whenComplete(this.#session);
  }

  /** Takes a checkpoint. Resolves once its frame is in the log; never rejects. */
  checkpoint(turn: string, reason: CheckpointReason): Promise<void> {
    return this.#workspaces.checkpoint(this.#session, { turn, reason });
  }

  /** Waits until all files have arrived; an interrupt of the turn ends the wait. @throws EdgeError `workspace_unavailable`. */
  async arrival(turn: Turn): Promise<void> {
    if (this.isComplete()) return;
    const patience = new Promise((resolve) => setTimeout(resolve, RESTORE_PATIENCE_MS).unref());
    await Promise.race([this.whenComplete(), turn.interruption, patience]);
    if (turn.isInterrupted || this.isComplete()) return;
    const message = "The files of the session did not come into the container.";
    throw new EdgeError("workspace_unavailable", message);
  }

  /**
   * Returns a turn's prompt with its attachments, once the files it needs have arrived; an interrupt ends the wait. With
   * `holdsTools` only attachments are needed.
   * @throws EdgeError `workspace_unavailable`, `file_not_found`.
   */
  async promptOf(turn: Turn, holdsTools: boolean): Promise<Prompt> {
    const { prompt, attachments = [] } = turn.start;
    const needsFiles = !holdsTools || attachments.length > 0;
    if (needsFiles) await this.arrival(turn);
    if (turn.isInterrupted) return prompt;
    return attachments.length > 0 ? withAttachments(this.#folder, attachments, prompt) : prompt;
  }
}
