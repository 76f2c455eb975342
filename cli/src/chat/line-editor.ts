import {
  clearScreenDown,
  createInterface,
  cursorTo,
  emitKeypressEvents,
  moveCursor,
  type Interface,
  type Key,
} from "node:readline";
import { PassThrough } from "node:stream";

import type { Context } from "../context.js";
import { Pastes } from "./pastes.js";

const PASTE_ON = "\u001b[?2004h";
const PASTE_OFF = "\u001b[?2004l";

const CONTINUED = "… ";

export interface LineHandlers {
  /** A message was entered: one line, or several that were pasted or ended with a backslash. */
  onMessage: (text: string) => void;
  /** Ctrl-C with nothing typed. */
  onInterrupt: () => void;
  /** Ctrl-D with nothing typed, or the terminal is gone. */
  onEnd: () => void;
}

/** The line at the bottom of the terminal that is typed into, by node:readline. */
export class LineEditor {
  readonly #stdin: Context["stdin"];
  readonly #output: Context["stderr"];
  readonly #handlers: LineHandlers;
  readonly #readline: Interface;
  #pastes = new Pastes();
  /** The lines before this one that ended with a backslash. */
  #before: string[] = [];
  #prompt = "";
  #isOpen = false;
  #isDrawn = false;
  /** How many rows above the cursor the line begins. */
  #above = 0;

  constructor({ stdin, stderr }: Context, handlers: LineHandlers) {
    this.#stdin = stdin;
    this.#output = stderr;
    this.#handlers = handlers;
    // It is handed its keys one by one: those of a paste, and those for a question, are not for it.
    const input = Object.assign(new PassThrough(), {
      setRawMode: (isRaw: boolean) => void (this.#isOpen && stdin.setRawMode?.(isRaw)),
    });
    this.#readline = createInterface({ input, output: stderr, terminal: true, historySize: 500 });
    this.#readline.on("line", this.#onLine);
    emitKeypressEvents(stdin);
    stdin.once("end", handlers.onEnd);
  }

  set prompt(prompt: string) {
    this.#prompt = prompt;
    if (!this.#isDrawn) return;
    this.#draw();
  }

  /** Takes the keyboard, and shows the line with what was typed before. */
  open(): void {
    this.#isOpen = true;
    this.#stdin.setRawMode?.(true);
    this.#stdin.on("keypress", this.#onKey).resume();
    this.#output.write(PASTE_ON);
    this.#draw();
  }

  /** Gives the keyboard back; what is typed so far is kept. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stdin.off("keypress", this.#onKey);
    this.#erase();
    this.#output.write(PASTE_OFF);
    this.#stdin.setRawMode?.(false);
    this.#stdin.pause();
  }

  /** Writes above the line: whole rows. */
  above(writeRows: () => void): void {
    this.#erase();
    writeRows();
    if (this.#isOpen) this.#draw();
  }

  #erase(): void {
    if (!this.#isDrawn) return;
    this.#above = this.#readline.getCursorPos().rows;
    moveCursor(this.#output, 0, -this.#above);
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
    this.#isDrawn = false;
  }

  #draw(): void {
    // readline goes up by as many rows as its cursor was down before it draws.
    if (!this.#isDrawn) this.#output.write("\n".repeat(this.#above));
    this.#above = 0;
    this.#isDrawn = true;
    this.#readline.setPrompt(this.#before.length > 0 ? CONTINUED : this.#prompt);
    this.#readline.prompt(true);
  }

  readonly #onLine = (line: string) => {
    this.#isDrawn = false;
    if (line.endsWith("\\")) {
      this.#before.push(line.slice(0, -1));
    } else {
      const text = [...this.#before, line].join("\n");
      this.#before = [];
      this.#handlers.onMessage(this.#pastes.expand(text));
    }
    if (this.#isOpen && !this.#isDrawn) this.#draw();
  };

  readonly #onKey = (text: string | undefined, key: Key) => {
    const pasted = this.#pastes.take(text, key);
    if (pasted === "") return;
    if (pasted !== undefined) return this.#readline.write(pasted);
    const isEmpty = this.#readline.line === "" && this.#before.length === 0;
    if (key.ctrl && key.name === "c") {
      if (isEmpty) this.#handlers.onInterrupt();
      else this.#clear();
    } else if (key.ctrl && key.name === "d" && this.#readline.line === "") {
      if (isEmpty) this.#handlers.onEnd();
    } else {
      this.#readline.write(text ?? null, key);
    }
  };

  #clear(): void {
    this.#before = [];
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#readline.write(null, { ctrl: true, name: "u" });
    this.#draw();
  }
}
