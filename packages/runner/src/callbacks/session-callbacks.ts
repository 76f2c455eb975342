import type { CallbackAnswer } from "@claude-edge/protocol";
import type { StartTurn, TranscriptEntry } from "@claude-edge/protocol/runner";

import type { FrameSink } from "../log/event-log.js";
import type { CallbackContext } from "./callbacks.js";
import type { McpTunnel } from "./mcp-tunnel.js";
import { Requests, type RequestOwner } from "./requests.js";
import { StoredTools, toolResultsIn } from "./stored-tools.js";

/** The session that callbacks belong to. */
export interface CallbackSession extends RequestOwner {
  readonly running: boolean;
  readonly background: { readonly isActive: boolean };
  readonly holdMs: number;
}

/** A message of the agent, as far as it may bring a tool's result. */
interface Answer {
  type: string;
  message?: unknown;
  parent_tool_use_id?: string | null;
}

/** What the callbacks of one session share between processes and turns. */
export class SessionCallbacks implements CallbackContext {
  readonly requests: Requests;
  readonly tunnels: Map<string, McpTunnel> = new Map<string, McpTunnel>();
  readonly #session: CallbackSession;
  readonly #storedTools = new StoredTools();
  /** The answers that the turn was resumed with, by tool use. */
  #answers = new Map<string, CallbackAnswer>();

  /** `onHeldTooLong`: a question was not answered while the process was held for it. */
  constructor(session: CallbackSession, log: FrameSink, onHeldTooLong: () => void) {
    this.#session = session;
    this.requests = new Requests(session, log, onHeldTooLong);
  }

  get running(): boolean {
    return this.#session.running;
  }

  get inBackground(): boolean {
    return this.#session.background.isActive;
  }

  get holdMs(): number {
    return this.#session.holdMs;
  }

  answerTo(toolUseId: string): CallbackAnswer | undefined {
    return this.#answers.get(toolUseId);
  }

  async whenStored(toolUseId: string): Promise<void> {
    await this.#storedTools.whenUsed(toolUseId);
  }

  /**
   * A message of the agent brings results of tools: resolves when they are in the stored transcript, or after a second
   * without them. Undefined for any other message.
   */
  whenAnswered({
    type,
    message,
    parent_tool_use_id: parent,
  }: Answer): Promise<boolean> | undefined {
    // A subagent's are in a transcript of its own, and not shown to a model again.
    const ids = type === "user" && !parent ? toolResultsIn(message) : [];
    if (ids.length === 0) return undefined;
    const stored = ids.map((id) => this.#storedTools.whenAnswered(id));
    return Promise.all(stored).then((each) => each.every(Boolean));
  }

  onTurnStart({ answers = {} }: StartTurn): void {
    this.#storedTools.clear();
    this.requests.clear();
    this.#answers = new Map(Object.entries(answers));
  }

  /** Entries of the main transcript are in the log. */
  onStored(entries: TranscriptEntry["entry"][]): void {
    this.#storedTools.add(entries);
  }
}
