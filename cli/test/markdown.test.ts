import { stripVTControlCharacters } from "node:util";

import { describe, expect, test } from "vitest";

import { MarkdownRows, type RowStream } from "../src/chat/markdown.js";

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

const rendered = (rows: RowStream, pieces: Iterable<string>): string => {
  let text = "";
  for (const piece of pieces) text += rows.write(piece);
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
});
