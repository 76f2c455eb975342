/** A table for people, two blanks between its columns; the last is left as long as it is. `right`: columns of numbers. */
export function table(head: string[], rows: string[][], right: readonly number[] = []): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)));
  const cell = (text: string, column: number) =>
    right.includes(column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!);
  return lines.map((cells) => `${cells.map(cell).join("  ").trimEnd()}\n`).join("");
}
