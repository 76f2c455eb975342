import { Lexer, type Token, type Tokens } from "marked";

import { PLAIN, span, type Span, type Style } from "./rows.js";

type Styles = readonly Style[];

/** One for all: it keeps nothing of a text without definitions of links, and those are no inline text. */
const LEXER = new Lexer({ gfm: true });

/** What marks text up, or is a link without marks. */
const MARKED = /[\\`*_~[\]<>&]|:\/\/|www\.|@/;

/** What may open or close something, blanks, or a run of anything else. */
const MARKS = /`+|\*+|_+|~+|\\[^]?|\s+|[[\]()<>]|[^\\`*_~[\]()<>\s]+/y;

const ENTITIES: Record<string, string> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&nbsp;": "\u00a0",
  "&amp;": "&",
};

/**
 * The text of a paragraph, a heading or a cell, in spans. Of a text that may still grow only what is settled: what
 * follows cannot change it any more, so the spans of the longer text begin with the same.
 */
export function inline(text: string, { isOpen, styles = PLAIN }: InlineOptions = {}): Span[] {
  const spans: Span[] = [];
  let from = 0;
  let plain = "";
  const endPlain = () => {
    if (plain) spans.push(span(plain, styles));
    plain = "";
  };
  const take = (part: string) => {
    if (!MARKED.test(part)) {
      plain += part;
      return;
    }
    endPlain();
    spans.push(...LEXER.inlineTokens(part, []).flatMap((token) => spansOf(token, styles)));
  };
  for (const end of settledAt(text)) {
    take(text.slice(from, end));
    from = end;
  }
  if (!isOpen) take(text.slice(from));
  endPlain();
  return spans;
}

interface InlineOptions {
  isOpen?: boolean;
  styles?: Styles;
}

/** The places before blanks where no mark is open. What marks are is decided from left to right alone. */
function settledAt(text: string): number[] {
  const places: number[] = [];
  const open: string[] = [];
  const marks = new RegExp(MARKS);
  for (let at = 0; at < text.length;) {
    marks.lastIndex = at;
    const [mark] = marks.exec(text)!;
    const before = text[at - 1] ?? " ";
    const after = text[at + mark.length] ?? " ";
    switch (mark[0]) {
      case "`": {
        const end = closingTicks(text, at + mark.length, mark.length);
        if (end < 0) return places;
        at = end;
        continue;
      }
      case "*":
      case "_":
      case "~": {
        const isWithinWord = mark[0] === "_" && /\w/.test(before) && /\w/.test(after);
        const opened = open.findLastIndex((other) => other === mark);
        if (isWithinWord) break;
        if (opened >= 0 && /\S/.test(before)) open.splice(opened);
        else if (/\S/.test(after)) open.push(mark);
        break;
      }
      case "[":
        open.push("[");
        break;
      case "]": {
        const opened = open.lastIndexOf("[");
        if (opened >= 0) open.splice(opened);
        if (opened >= 0 && after === "(") open.push("(");
        break;
      }
      case ")":
        if (open.at(-1) === "(") open.pop();
        break;
      case "<":
        if (/[a-z/!]/i.test(after)) open.push("<");
        break;
      case ">":
        if (open.at(-1) === "<") open.pop();
        break;
      default:
        if (/^\s/.test(mark) && open.length === 0) places.push(at);
    }
    at += mark.length;
  }
  return places;
}

/** Behind the next run of just as many backticks; below 0 when there is none. */
function closingTicks(text: string, from: number, count: number): number {
  const runs = /`+/g;
  runs.lastIndex = from;
  for (let run = runs.exec(text); run; run = runs.exec(text)) {
    if (run[0].length === count) return runs.lastIndex;
  }
  return -1;
}

function spansOf(token: Token, styles: Styles): Span[] {
  const inside = (...more: Style[]) => {
    const all = more.length === 0 ? styles : [...styles, ...more];
    return ((token as Tokens.Generic).tokens ?? []).flatMap((child) => spansOf(child, all));
  };
  switch (token.type) {
    case "strong":
      return inside("bold");
    case "em":
      return inside("italic");
    case "del":
      return inside("strikethrough");
    case "codespan":
      return [span((token as Tokens.Codespan).text, [...styles, "cyan"])];
    case "br":
      return [span("\n", styles)];
    case "image":
    case "link": {
      const { href, text } = token as Tokens.Link;
      const shown = token.type === "link" ? inside("underline") : [span(text, styles)];
      const isBare = href === text || href === `mailto:${text}` || href === `http://${text}`;
      return isBare ? shown : [...shown, span(` (${href})`, [...styles, "dim"])];
    }
    default: {
      const { text, raw } = token as Tokens.Text;
      if ((token as Tokens.Text).tokens) return inside();
      return [span((text ?? raw).replace(/&(?:lt|gt|quot|#39|nbsp|amp);/g, entity), styles)];
    }
  }
}

const entity = (name: string) => ENTITIES[name]!;
