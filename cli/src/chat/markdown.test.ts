import { stripVTControlCharacters } from "node:util";

import { describe, expect, test } from "vitest";

import { MarkdownRows, PlainRows, type RowStream } from "./markdown.js";

const DOCUMENT = `# A heading

A paragraph with **bold words**, *slanted ones*, \`code\`, ~~gone~~, a [link](https://example.com/a) and
https://example.com/bare that is long enough to take more than one row of the terminal, snake_case and 2 * 3 * 4 too.
Its second line.

- first **item** with quite some words, so that it takes more than a row of the terminal it is shown in
- second
  - nested \`one\`

    more of it
  - nested two
1. not the same list

3. three

   \`\`\`js
   const a = "**not bold**";
   \`\`\`
10. four

> A quote
> over two lines
> - with a list

\`\`\`ts
if (a | b) {

  c("~~~");
}
\`\`\`

| Name | Amount |
|:-----|-------:|
| \`x\` | 1 |
| **y** | 200 |

a | b is no table

---

<b>html</b> &lt;entity&gt; \\*escaped\\* *never closed and [not a link

日本語のとても長い文章は、空白がなくても端末の幅で折り返される。日本語のとても長い文章は、折り返される。

- [x] done
- [ ] open
`;

const rendered = (rows: RowStream, given: Iterable<string>): string => {
  let text = "";
  for (const piece of given) text += rows.write(piece);
  return text + rows.end();
};
const markdown = (text: string, width = 60) => rendered(new MarkdownRows(() => width), [text]);
const shown = (text: string, width?: number) => stripVTControlCharacters(markdown(text, width));

/** A text in pieces of 1 to 7 characters. */
function* pieces(text: string): Generator<string> {
  for (let at = 0, size = 1; at < text.length; at += size, size = (size * 5) % 8 || 1) {
    yield text.slice(at, at + size);
  }
}

describe("Markdown in a terminal", () => {
  test("is the same however the text is cut into pieces", () => {
    for (const width of [20, 60, 200]) {
      const whole = markdown(DOCUMENT, width);
      expect(rendered(new MarkdownRows(() => width), DOCUMENT)).toBe(whole);
      expect(rendered(new MarkdownRows(() => width), pieces(DOCUMENT))).toBe(whole);
    }
  });

  test("looks as it should", () => {
    expect(shown(DOCUMENT)).toMatchSnapshot();
  });

  test.each([
    ["an empty text", "", ""],
    ["blank lines alone", "\n\n\n", ""],
    ["a fence that is never closed", "```js\na\n", "  a\n"],
    ["marks that are never closed", "a **b `c [d", "a **b `c [d\n"],
    ["a table's head alone", "| a | b |\n", "| a | b |\n"],
    ["carriage returns", "a\r\n\r\nb\r\n", "a\n\nb\n"],
    ["a line below that would make a heading", "a\n===\n", "a\n===\n"],
    ["a word longer than the terminal", `${"x".repeat(100)} y`, `${"x".repeat(100)}\ny\n`],
  ])("%s", (_what, text, rows) => {
    expect(shown(text)).toBe(rows);
    expect(stripVTControlCharacters(rendered(new MarkdownRows(() => 60), text))).toBe(rows);
  });

  test("a table that is too wide has a row for each cell", () => {
    expect(shown("| Name | Amount |\n|---|---|\n| x | 1 |\n| y | 2 |", 12)).toBe(
      "Name: x\nAmount: 1\n\nName: y\nAmount: 2\n",
    );
  });

  test("rows come as soon as they can no longer change", () => {
    const rows = new MarkdownRows(() => 10);
    expect(rows.write("one two three four")).toBe("one two\n");
    expect(rows.write(" **five")).toBe("");
    expect(stripVTControlCharacters(rows.write(" six seven** eight"))).toBe(
      "three four\nfive six\n",
    );
    expect(stripVTControlCharacters(rows.write("\n\n"))).toBe("seven\neight\n");
    expect(stripVTControlCharacters(rows.write("- a\n- b\n"))).toBe("\n• a\n");
    expect(stripVTControlCharacters(rows.end())).toBe("• b\n");
  });

  test("nothing is lost, whatever the marks and the pieces", () => {
    const marks = "* ** _ ` `` [ ]( ) ~~ < > | # - 1. \\".split(" ");
    let seed = 7;
    const next = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let round = 0; round < 300; round += 1) {
      const words = Array.from({ length: 60 }, (_, number) => `w${number}w`);
      const text = words
        .map((word) => {
          const mark = next(3) === 0 ? marks[next(marks.length)]! : "";
          return next(2) === 0 ? `${mark}${next(9) === 0 ? " " : ""}${word}` : `${word}${mark}`;
        })
        .reduce((all, word) => `${all}${[" ", " ", " ", "\n", "\n\n"][next(5)]}${word}`);
      const whole = markdown(text, 30);
      expect(rendered(new MarkdownRows(() => 30), text)).toBe(whole);
      const said = new Set(stripVTControlCharacters(whole).match(/w\d+w/g));
      expect({ text, lost: words.filter((word) => !said.has(word)) }).toEqual({ text, lost: [] });
    }
  });
});

describe("plain text in a terminal", () => {
  const plain = (text: Iterable<string>) => rendered(new PlainRows(() => 20), text);

  test("is as it was written, but for what steers the terminal", () => {
    const text = "# **a**\n\n    code\n\u001b[2J";
    expect(plain(text)).toBe("# **a**\n\n    code\n\\u{1b}[2J\n");
    expect(plain([text])).toBe(plain(text));
    expect(plain("\n\na")).toBe("a\n");
    expect(plain("")).toBe("");
  });

  test("a long line comes row by row", () => {
    const rows = new PlainRows(() => 10);
    expect(rows.write("one two three")).toBe("one two\n");
    expect(rows.write(" four\n\nfive")).toBe("three four\n\n");
    expect(rows.end()).toBe("five\n");
  });
});
