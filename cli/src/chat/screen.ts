import { Writable } from "node:stream";
import type { Context } from "../context.js";
import { inStyle } from "../terminal/style.js";
import { LineEditor, type LineHandlers } from "./line-editor.js";
import type { Style } from "./rows.js";

const FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";
const FRAME_MS = 100;

/** The columns of a terminal that does not say how many it has. */
const COLUMNS = 80;

/** The terminal of a chat: what is said grows above the line that is typed into. */
export class Screen {
  readonly #context: Context;
  readonly #editor: LineEditor;
  /** Standard error for others: what they write comes above the line. */
  readonly stderr: Context["stderr"];
  #isHeld = false;
  #waiting: (() => void)[] = [];
  #spinner: ReturnType<typeof setInterval> | undefined;

  constructor(context: Context, handlers: LineHandlers) {
    const { stderr } = context;
    this.#context = context;
    this.#editor = new LineEditor(context, handlers);
    const write = (chunk: unknown, _encoding: unknown, done: () => void) => {
      this.say(String(chunk));
      done();
    };
    // Whoever styles asks for these.
    const { isTTY, getColorDepth } = stderr as NodeJS.WriteStream;
    this.stderr = Object.assign(new Writable({ decodeStrings: false, write }), {
      isTTY,
      getColorDepth: getColorDepth?.bind(stderr),
    });
    this.#editor.prompt = this.#prompt();
  }

  get columns(): number {
    return this.#context.stdout.columns ?? COLUMNS;
  }

  open(): void {
    this.#editor.open();
  }

  close(): void {
    this.idle();
    this.#editor.close();
  }

  /** Says something on standard error; a line's end is added where there is none. */
  say(text: string): void {
    this.#above(() => void this.#context.stderr.write(text.endsWith("\n") ? text : `${text}\n`));
  }

  /** The same, where it is less important than the rest. */
  note(text: string): void {
    this.say(this.style("dim", text));
  }

  /** Whole rows of the answer, on a standard output that is this terminal. */
  answer(rows: string): void {
    if (rows) this.#above(() => void this.#context.stdout.write(rows));
  }

  style(format: Style | Style[], text: string): string {
    return inStyle(format, text, this.#context.stderr);
  }

  /** Something is under way: the line says for how long. */
  busy(): void {
    const { env } = this.#context;
    if (env.CI || env.TERM === "dumb") return;
    const started = performance.now();
    const tick = () => {
      const ms = performance.now() - started;
      const frame = FRAMES[Math.floor(ms / FRAME_MS) % FRAMES.length]!;
      const seconds = `${Math.floor(ms / 1000)}s`;
      if (!this.#isHeld)
        this.#editor.prompt = `${this.style("dim", `${frame} ${seconds}`)} ${this.#prompt()}`;
    };
    clearInterval(this.#spinner);
    this.#spinner = setInterval(tick, FRAME_MS);
    tick();
  }

  idle(): void {
    clearInterval(this.#spinner);
    this.#spinner = undefined;
    if (!this.#isHeld) this.#editor.prompt = this.#prompt();
  }

  /** Leaves the terminal to a question; what is said meanwhile comes after it, and so does the line as it was. */
  async hold<Value>(question: () => Promise<Value>): Promise<Value> {
    this.#isHeld = true;
    this.#editor.close();
    try {
      return await question();
    } finally {
      this.#isHeld = false;
      for (const writeRows of this.#waiting.splice(0)) writeRows();
      this.#editor.open();
    }
  }

  #prompt(): string {
    return `${this.style("bold", "›")} `;
  }

  #above(writeRows: () => void): void {
    if (this.#isHeld) this.#waiting.push(writeRows);
    else this.#editor.above(writeRows);
  }
}
