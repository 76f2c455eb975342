import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import type { SdkMessage } from "@claude-edge/protocol";
import type { TranscriptEntry } from "@claude-edge/protocol/runner";

import type { EventLog } from "../log/event-log.js";
import type { SessionProcess } from "../process/session-process.js";
import { modeChange } from "./mode-change.js";
import type { TurnState } from "./turn.js";

/** How much of a turn's standard error is told, characters: debug output is some hundred KB a turn. */
const MAX_STDERR_CHARS = 1024 * 1024;

/** What a session and its turns write to the log. */
export class SessionOutput {
  readonly #log: EventLog;
  readonly #process: SessionProcess;
  #stderrTurn = "";
  #stderrChars = 0;

  constructor(log: EventLog, process: SessionProcess) {
    this.#log = log;
    this.#process = process;
  }

  get cursor(): number {
    return this.#log.head.cursor;
  }

  message(turn: string, message: SDKMessage): void {
    const change = modeChange(message, this.#process.options.permissionMode);
    if (change) this.#process.noteOptions({ permissionMode: change.to });
    this.#log.append({
      kind: "message",
      turn,
      message: message as unknown as SdkMessage,
      ...(change ? { mode_change: change } : {}),
    });
  }

  /** What the process writes to standard error during a turn, up to {@link MAX_STDERR_CHARS}. */
  stderr(turn: string, data: string): void {
    if (turn !== this.#stderrTurn) this.#stderrChars = 0;
    this.#stderrTurn = turn;
    const left = MAX_STDERR_CHARS - this.#stderrChars;
    if (left <= 0) return;
    this.#stderrChars += data.length;
    const note = data.length > left ? "\n[claude-edge: the rest of this turn is left out]\n" : "";
    const message: SdkMessage = { type: "stderr", data: data.slice(0, left) + note };
    this.#log.append({ kind: "message", turn, message });
  }

  status(turn: string, state: TurnState): void {
    this.#log.append({ kind: "turn", turn, ...state });
  }

  /** Entries of the main transcript, or of a subagent's with this subpath. */
  transcript(turn: string, subpath: string | undefined, entries: TranscriptEntry["entry"][]): void {
    const path = subpath === undefined ? {} : { subpath };
    this.#log.append({ kind: "transcript", turn, ...path, entries });
  }
}
