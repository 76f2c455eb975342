import { Lexer, Tokenizer, type Token, type Tokens } from "marked";

import { inline } from "./inline.js";
import { PLAIN, span, styled, widthOf, wrap, type Span } from "./rows.js";

/** A block in a terminal: of its rows the first `settled` stay as they are, whatever text follows. */
export interface Block {
  rows: Span[][];
  settled: number;
}

/** A line under a text does not make it a heading: the text may be on the screen by then. */
class LineTokenizer extends Tokenizer {
  override lheading(): undefined {
    return undefined;
  }
}

const MAX_RULE = 40;
const DIM = ["dim"] as const;
const CODE = ["cyan"] as const;
const BOLD = ["bold"] as const;
const HEADING = ["bold", "underline"] as const;

export const parseBlocks = (text: string): Token[] =>
  new Lexer({ gfm: true, tokenizer: new LineTokenizer() }).blockTokens(text, []);

/**
 * Which of the blocks may still grow: the last, or none when blank lines follow it. A list goes on behind those.
 */
export function openAt(tokens: Token[]): number {
  const last = tokens.length - 1;
  if (tokens[last]?.type !== "space") return last;
  return tokens[last - 1]?.type === "list" ? last - 1 : tokens.length;
}

/** A block's rows; `isOpen`: more of it may come. */
export function blockOf(token: Token, width: number, isOpen: boolean): Block {
  switch (token.type) {
    case "heading": {
      const { depth, text } = token as Tokens.Heading;
      return whole(wrap(inline(text, { styles: depth === 1 ? HEADING : BOLD }), width), isOpen);
    }
    case "code":
      return growing(
        linesOf((token as Tokens.Code).text).map((line) => (line ? [span(`  ${line}`, CODE)] : [])),
        isOpen,
      );
    case "list":
      return listOf(token as Tokens.List, width, isOpen);
    case "blockquote": {
      const bar = span("│ ", DIM);
      const { tokens = [] } = token as Tokens.Blockquote;
      return behind(blocksOf(tokens, width - 2, isOpen), () => bar);
    }
    case "table":
      return whole(tableOf(token as Tokens.Table, width), isOpen);
    case "hr":
      return whole([[span("─".repeat(Math.min(width, MAX_RULE)), DIM)]], isOpen);
    case "paragraph":
    case "text": {
      const { text } = token as Tokens.Paragraph;
      const shown = isOpen ? withoutTableHead(text) : text;
      return growing(wrap(inline(shown, { isOpen }), width), isOpen);
    }
    default:
      return growing(
        linesOf(token.raw).map((line) => [span(line)]),
        isOpen,
      );
  }
}

const linesOf = (text: string) => text.replace(/\n+$/, "").split("\n");

/** All but its last row is settled while it grows. */
const growing = (rows: Span[][], isOpen: boolean): Block => ({
  rows,
  settled: isOpen ? Math.max(0, rows.length - 1) : rows.length,
});

/** Nothing of it is settled before its end. */
const whole = (rows: Span[][], isOpen: boolean): Block => ({
  rows,
  settled: isOpen ? 0 : rows.length,
});

/** Lines that the row of dashes below them would turn into a table are left out. */
function withoutTableHead(text: string): string {
  const lines = text.split("\n");
  if (lines.length > 1 && /^[\s|:-]*$/.test(lines.at(-1)!)) lines.pop();
  if (lines.at(-1)!.includes("|")) lines.pop();
  return lines.join("\n");
}

/** One block below the other, a blank row between them where the text has one. */
function blocksOf(tokens: Token[], width: number, isOpen: boolean): Block {
  const open = isOpen ? openAt(tokens) : tokens.length;
  const all: Block = { rows: [], settled: 0 };
  let isApart = false;
  for (const [place, token] of tokens.entries()) {
    if (token.type === "space" || token.type === "checkbox") {
      isApart ||= token.type === "space";
      continue;
    }
    const block = blockOf(token, width, place >= open);
    if (isApart && all.rows.length > 0) {
      all.rows.push([]);
      if (block.settled > 0) all.settled += 1;
    }
    isApart = false;
    all.rows.push(...block.rows);
    all.settled += block.settled;
  }
  return all;
}

/** A block with something at the beginning of each of its rows. */
const behind = ({ rows, settled }: Block, prefix: (place: number) => Span): Block => ({
  rows: rows.map((row, place) => [prefix(place), ...row]),
  settled,
});

function listOf({ ordered, start, items }: Tokens.List, width: number, isOpen: boolean): Block {
  const last = String(Number(start) + items.length - 1);
  const all: Block = { rows: [], settled: 0 };
  for (const [place, item] of items.entries()) {
    const box = item.task ? `[${item.checked ? "x" : " "}] ` : "";
    const number = String(Number(start) + place).padStart(last.length);
    const mark = `${ordered ? `${number}.` : "•"} ${box}`;
    const [first, rest] = [span(mark, DIM), span(" ".repeat(mark.length), PLAIN)];
    const isLast = place === items.length - 1;
    const inner = blocksOf(item.tokens, width - mark.length, isOpen && isLast);
    if (inner.rows.length === 0) inner.rows.push([]);
    if (!isOpen || !isLast) inner.settled = inner.rows.length;
    const block = behind(inner, (row) => (row === 0 ? first : rest));
    all.rows.push(...block.rows);
    all.settled += block.settled;
  }
  return all;
}

/** In columns; where those are too wide for the terminal, each cell in a row of its own behind its column's name. */
function tableOf({ header, rows, align }: Tokens.Table, width: number): Span[][] {
  const head = header.map(({ text }) => inline(text, { styles: BOLD }));
  const body = rows.map((row) => row.map(({ text }) => inline(text)));
  const sizes = head.map((_, column) =>
    Math.max(...[head, ...body].map((row) => sizeOf(row[column] ?? []))),
  );
  const total = sizes.reduce((sum, size) => sum + size + 3, -3);
  if (total > width) {
    return body.flatMap((row, place) => [
      ...(place > 0 ? [[]] : []),
      ...row.flatMap((cell, column) => wrap([...head[column]!, span(": "), ...cell], width)),
    ]);
  }
  const line = (row: Span[][]) =>
    row.flatMap((cell, column) => {
      const room = sizes[column]! - sizeOf(cell);
      const left =
        align[column] === "right" ? room : align[column] === "center" ? Math.floor(room / 2) : 0;
      const padded = [span(" ".repeat(left)), ...cell, span(" ".repeat(room - left))];
      return column === 0 ? padded : [span(" │ ", DIM), ...padded];
    });
  const rule = sizes.map((size) => "─".repeat(size)).join("─┼─");
  return [line(head), [span(rule, DIM)], ...body.map(line)];
}

const sizeOf = (cell: Span[]) => cell.reduce((sum, { text }) => sum + widthOf(text), 0);

export const textOf = (rows: Span[][]): string =>
  rows.map((row) => `${styled(row).trimEnd()}\n`).join("");
