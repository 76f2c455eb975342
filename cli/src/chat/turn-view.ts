import { isTerminal, TextReader, type EdgeEvent, type TurnEvent } from "@claude-edge/client";

import { write, type Context } from "../context.js";
import { filesNote } from "../sessions/output.js";
import { mcpNote } from "../sessions/mcp-note.js";
import { networkNote } from "../sessions/network-note.js";
import { repositoryNote } from "../sessions/repositories.js";
import { WaitingNote } from "../sessions/waiting.js";
import type { TargetFlags } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";
import { inStyle } from "../terminal/style.js";
import { Activity, type ToolLine } from "./activity.js";
import { MarkdownRows, PlainRows, type RowStream } from "./markdown.js";
import type { Screen } from "./screen.js";

const COLOURS = { began: "cyan", done: "green", failed: "red" } as const;

/** Shows a turn as its events come: the answer on standard output, the rest on standard error. */
export class TurnView {
  readonly #screen: Screen;
  readonly #stdout: Context["stdout"];
  /** Undefined where standard output is no terminal: there the text goes as it is. */
  readonly #rows: RowStream | undefined;
  readonly #reader = new TextReader();
  readonly #activity = new Activity();
  readonly #waiting: WaitingNote;
  readonly #started = performance.now();
  #isWritten = false;

  constructor(screen: Screen, { stdout }: Context, flags: TargetFlags) {
    this.#screen = screen;
    this.#waiting = new WaitingNote((note) => screen.say(note), flags);
    this.#stdout = stdout;
    if (!stdout.isTTY) return;
    const hasStyle = inStyle("bold", "-", stdout) !== "-";
    const columns = () => screen.columns;
    this.#rows = hasStyle ? new MarkdownRows(columns) : new PlainRows(columns);
  }

  async onEvent(event: EdgeEvent): Promise<void> {
    this.#waiting.onEvent(event);
    const text = this.#reader.read(event);
    if (text) await this.#answer(text);
    for (const line of this.#activity.read(event)) {
      this.#endText();
      this.#tool(line);
    }
    const note = filesNote(event) || networkNote(event) || mcpNote(event) || repositoryNote(event);
    if (note) {
      this.#endText();
      this.#screen.say(note);
    }
    if (isTerminal(event)) {
      await this.end();
      this.#summary(event);
    }
  }

  /** The text so far is all there is. */
  async end(): Promise<void> {
    this.#waiting.close();
    this.#endText();
    if (this.#isWritten && !this.#rows) await write(this.#stdout, "\n");
    this.#isWritten = false;
  }

  async #answer(text: string): Promise<void> {
    this.#isWritten = true;
    if (this.#rows) this.#screen.answer(this.#rows.write(text));
    else await write(this.#stdout, text);
  }

  #endText(): void {
    if (this.#rows) this.#screen.answer(this.#rows.end());
  }

  #tool({ state, text }: ToolLine): void {
    this.#screen.say(text.replace(/[●✓✗]/, (mark) => this.#screen.style(COLOURS[state], mark)));
  }

  #summary({ result, usage }: TurnEvent): void {
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1);
    // The agent's own words, on a slash command say, are of the model `<synthetic>`.
    const isModel = result?.model !== undefined && !result.model.startsWith("<");
    const parts = isModel ? [oneLine(result.model!)] : [];
    if (usage) {
      const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens } = usage;
      const input = input_tokens + cache_read_input_tokens + cache_creation_input_tokens;
      parts.push(`${input} tokens in, ${usage.output_tokens} out`, `$${usage.cost_usd.toFixed(4)}`);
    }
    const line = [...parts, `${seconds} s`].join(" · ");
    this.#screen.say(`${this.#screen.style("dim", line)}\n\n`);
  }
}
