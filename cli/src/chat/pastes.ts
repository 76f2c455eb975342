import type { Key } from "node:readline";

/** One line longer than this is not shown in the line that is typed into, characters. */
const MAX_SHOWN = 1_000;

const MARKER = /\[Pasted #(\d+): \d+ lines?\]/g;

/** What is pasted is one piece, whatever it holds: lines in it are shown as `[Pasted #1: 12 lines]` and sent whole. */
export class Pastes {
  readonly #texts = new Map<number, string>();
  #open: string | undefined;

  /**
   * Takes a key. Undefined when it belongs to no paste; else what is to be typed for it: nothing before the paste's end.
   */
  take(text: string | undefined, { name, sequence }: Key): string | undefined {
    if (name === "paste-start") this.#open = "";
    else if (this.#open === undefined) return undefined;
    else if (name === "paste-end") return this.#close(this.#open);
    else this.#open += text ?? sequence ?? "";
    return "";
  }

  /** The message with what was pasted in it. */
  expand(message: string): string {
    return message.replace(MARKER, (marker, number) => this.#texts.get(Number(number)) ?? marker);
  }

  #close(pasted: string): string {
    this.#open = undefined;
    const text = pasted.replace(/\r\n?/g, "\n").replace(/(?![\n\t])\p{Cc}/gu, "");
    const lines = text.split("\n").length;
    if (lines === 1 && text.length <= MAX_SHOWN) return text.replaceAll("\t", "  ");
    const number = this.#texts.size + 1;
    this.#texts.set(number, text);
    return `[Pasted #${number}: ${lines} ${lines === 1 ? "line" : "lines"}]`;
  }
}
