import { styleText } from "node:util";

import { printable } from "../terminal/printable.js";

/** A colour or the like, as util.styleText names it. */
export type Style = Extract<Parameters<typeof styleText>[0], string>;

/** A run of text in one style. */
export interface Span {
  text: string;
  styles: readonly Style[];
}

export const PLAIN: readonly Style[] = [];

/** Characters that take two cells of a terminal; after each of them a row may end. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;
const MARK = /\p{M}/u;
/** Most texts are of these alone, and need no look into Unicode's tables. */
const ASCII = /^[\n\t -~]*$/;
const ASCII_PIECES = /\n|[ \t]+|[^ \t\n]+/g;

/** A line's end, blanks, a wide character with what is put on it, or the rest of a word. */
const PIECES = new RegExp(
  `\\n|[ \\t]+|${WIDE.source}\\p{M}*|(?:(?!${WIDE.source})[^ \\t\\n])+`,
  "gu",
);

/** How many cells of a terminal a text takes; a tab counts as one. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += MARK.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** Somebody else's text as a span: what would steer the terminal is spelled out. */
export const span = (text: string, styles: readonly Style[] = PLAIN): Span => ({
  text: printable(text),
  styles,
});

/**
 * Breaks text into rows that fit a width, between words; a longer word has a row of its own. Each row but the last
 * stays as it is whatever follows.
 */
export function wrap(spans: Span[], width: number): Span[][] {
  const rows: Span[][] = [[]];
  let [taken, blank] = [0, undefined as Span | undefined];
  let word: Span[] = [];
  const endWord = () => {
    if (word.length === 0) return;
    const size = word.reduce((sum, { text }) => sum + widthOf(text), 0);
    if (taken > 0 && taken + (blank ? widthOf(blank.text) : 0) + size > width) {
      rows.push([]);
      [taken, blank] = [0, undefined];
    }
    if (blank) word.unshift(blank);
    rows.at(-1)!.push(...word);
    taken += size + (blank ? widthOf(blank.text) : 0);
    [word, blank] = [[], undefined];
  };
  for (const { text, styles } of spans) {
    const isAscii = ASCII.test(text);
    for (const [piece] of text.matchAll(isAscii ? ASCII_PIECES : PIECES)) {
      const isBlank = piece[0] === " " || piece[0] === "\t" || piece === "\n";
      const isWide = !isAscii && WIDE.test(piece);
      if (isBlank || isWide) endWord();
      if (piece === "\n") {
        rows.push([]);
        [taken, blank] = [0, undefined];
      } else if (isBlank) {
        // At the beginning of a row there is nothing to keep apart.
        blank = taken > 0 ? { text: piece, styles } : undefined;
      } else {
        word.push({ text: piece, styles });
        if (isWide) endWord();
      }
    }
  }
  endWord();
  return rows;
}

/** A row as it is written to a terminal. */
export function styled(row: Span[]): string {
  let text = "";
  for (let at = 0; at < row.length;) {
    const { styles } = row[at]!;
    let run = "";
    for (; row[at]?.styles === styles; at += 1) run += row[at]!.text;
    // Whether there are to be colours was decided before.
    text += styles.length === 0 ? run : styleText([...styles], run, { validateStream: false });
  }
  return text;
}
