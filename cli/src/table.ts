import { oneLine } from "./printable.js";

/** The last column is cut to the terminal's width, but not below and not above this, in characters. */
const [MIN_LAST, MAX_LAST] = [20, 200];

/** Rows for people to read. The last column is of any length, the others must be printable. */
export function table(head: string[], rows: string[][], width = Infinity): string {
  const columns = head.slice(0, -1);
  const widths = columns.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]!.length)),
  );
  const taken = widths.reduce((sum, column) => sum + column + 2, 0);
  const left = Math.min(Math.max(width - taken, MIN_LAST), MAX_LAST);
  const line = (cells: string[]) =>
    `${widths.map((column, place) => `${cells[place]!.padEnd(column)}  `).join("")}${oneLine(cells.at(-1)!, left)}\n`;
  return [head, ...rows].map(line).join("");
}
