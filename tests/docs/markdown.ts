/** A `ts` block of a Markdown page. */
export interface Snippet {
  /** The heading it stands under. */
  heading: string;
  /** The line of its first line of code, from 1. */
  line: number;
  code: string;
  /** Marked by `<!-- fragment -->`: it does not run by itself. */
  isFragment: boolean;
}

/** The `ts` blocks of a page, in order. */
export function snippetsOf(page: string): Snippet[] {
  const lines = page.split("\n");
  const snippets: Snippet[] = [];
  let heading = "";
  let before = "";
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]!;
    if (line.startsWith("```")) {
      const end = lines.indexOf("```", at + 1);
      const code = lines.slice(at + 1, end).join("\n");
      const isFragment = before === "<!-- fragment -->";
      if (line === "```ts") snippets.push({ heading, line: at + 2, code, isFragment });
      at = end;
    } else if (line.startsWith("#")) {
      heading = line.replace(/^#+ /, "");
    }
    if (line.trim() !== "") before = line.trim();
  }
  return snippets;
}

/** The lines for a shell that stand directly under a heading of a page, comments cut off. */
export function shellLinesOf(page: string, heading: string): string[] {
  const section = page.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const blocks = [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, code]) => code!);
  return blocks.flatMap((block) =>
    block
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/ +# .*$/, "")),
  );
}

/** The rows of the table whose first column has this heading, each as its cells. */
export function tableOf(page: string, first: string): string[][] {
  const lines = page.split("\n");
  const head = lines.findIndex((line) => new RegExp(`^\\| ${first} +\\|`).test(line));
  const rows = lines.slice(head + 2);
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith("|")),
    )
    .map((row) => row.slice(1, -1).split("|"))
    .map((cells) => cells.map((cell) => cell.trim().replace(/^`(.*)`$/, "$1")));
}
