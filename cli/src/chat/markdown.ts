import { printable } from "../terminal/printable.js";
import { blockOf, openAt, parseBlocks, textOf } from "./blocks.js";

/** Text as it comes, in whole rows for a terminal: what has been given out never changes. */
export interface RowStream {
  /** Takes the next piece; gives the rows that are final by it. */
  write(piece: string): string;
  /** The rest. */
  end(): string;
}

/** The beginning of a line of which it cannot be said yet whether it begins a block: `#`, `1.`, `- -`. */
const HALF_A_MARK = /^(?:[#*+\-_=`~|:<> \t]+|\s*\d{1,9}[.)]?[ \t]*)$/;

/** An open block is looked at anew when it has grown by this much: a long one would cost the square of its length. */
const GROWTH = 1.02;

/** Renders Markdown while it is being written. */
export class MarkdownRows implements RowStream {
  readonly #columns: () => number;
  /** The text from the open block on. */
  #rest = "";
  /** The rows of the open block that were given out, and the width it was begun with. */
  #given = 0;
  #width = 0;
  #isFirst = true;
  #enough = 0;

  constructor(columns: () => number) {
    this.#columns = columns;
  }

  write(piece: string): string {
    this.#rest += piece.replaceAll("\r", "");
    if (this.#rest.length < this.#enough) return "";
    const text = this.#render(false);
    this.#enough = this.#rest.length * GROWTH;
    return text;
  }

  end(): string {
    const text = this.#render(true);
    [this.#rest, this.#given, this.#enough, this.#isFirst] = ["", 0, 0, true];
    return text;
  }

  #render(isEnd: boolean): string {
    const tokens = parseBlocks(isEnd ? this.#rest : withoutHalfAMark(this.#rest));
    const open = isEnd ? tokens.length : openAt(tokens);
    let text = "";
    for (const [place, token] of tokens.slice(0, open + 1).entries()) {
      if (token.type === "space") continue;
      if (this.#given === 0) this.#width = this.#columns();
      const { rows, settled } = blockOf(token, this.#width, place === open);
      if (this.#given === 0 && settled > 0) {
        if (!this.#isFirst) text += "\n";
        this.#isFirst = false;
      }
      text += textOf(rows.slice(this.#given, settled));
      this.#given = place === open ? Math.max(this.#given, settled) : 0;
    }
    const closed = tokens.slice(0, open).reduce((sum, { raw }) => sum + raw.length, 0);
    this.#rest = this.#rest.slice(closed);
    return text;
  }
}

function withoutHalfAMark(text: string): string {
  const line = text.lastIndexOf("\n") + 1;
  return HALF_A_MARK.test(text.slice(line)) ? text.slice(0, line) : text;
}

/** The text as it was written, for a terminal that wants no colours. */
export class PlainRows implements RowStream {
  readonly #columns: () => number;
  #line = "";
  #isBegun = false;

  constructor(columns: () => number) {
    this.#columns = columns;
  }

  write(piece: string): string {
    const lines = (this.#line + piece.replaceAll("\r", "")).split("\n");
    this.#line = lines.pop()!;
    return lines.map((line) => this.#row(line)).join("") + this.#filled();
  }

  end(): string {
    const text = this.#line === "" ? "" : this.#row(this.#line);
    this.#line = "";
    this.#isBegun = false;
    return text;
  }

  /** Blank lines before the first are left out. */
  #row(line: string): string {
    if (line === "" && !this.#isBegun) return "";
    this.#isBegun = true;
    return `${printable(line)}\n`;
  }

  /** The rows that a line which may still grow has filled. */
  #filled(): string {
    let text = "";
    for (;;) {
      const end = this.#line.lastIndexOf(" ", this.#columns());
      if (end <= 0 || this.#line.length <= this.#columns()) return text;
      text += this.#row(this.#line.slice(0, end));
      this.#line = this.#line.slice(end + 1);
    }
  }
}
