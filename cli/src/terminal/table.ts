import { oneLine } from "./printable.js";

/** The last column is cut to the terminal's width, but not below and not above this, in characters. */
const [MIN_LAST, MAX_LAST] = [20, 200];

/** Rows for people to read. The last column is of any length, the others must be printable. `right`: columns of numbers. */
export function table(
  head: string[],
  rows: string[][],
  { width = Infinity, right = [] }: { width?: number | undefined; right?: readonly number[] } = {},
): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]!.length)),
  );
  const last = head.length - 1;
  const taken = widths.slice(0, last).reduce((sum, column) => sum + column + 2, 0);
  const left = Math.min(Math.max(width - taken, MIN_LAST), MAX_LAST);
  const cell = (text: string, column: number) => {
    if (right.includes(column)) return text.padStart(widths[column]!);
    return column === last ? oneLine(text, left) : text.padEnd(widths[column]!);
  };
  return [head, ...rows].map((cells) => `${cells.map(cell).join("  ").trimEnd()}\n`).join("");
}
