/** More changes than this are another word. */
const MAX_CHANGES = 2;

/** How many letters must be changed, added or left out to come from one word to the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let at = 1; at <= from.length; at += 1) {
    const next = [at];
    for (let column = 1; column <= to.length; column += 1) {
      const changed = row[column - 1]! + (from[at - 1] === to[column - 1] ? 0 : 1);
      next.push(Math.min(changed, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}

/** The word that was meant, by all appearances. */
export function nearest(word: string, words: string[]): string | undefined {
  const near = words
    .map((other) => ({ other, changes: distance(word.toLowerCase(), other.toLowerCase()) }))
    .filter(({ changes, other }) => changes <= MAX_CHANGES && changes < other.length)
    .toSorted((a, b) => a.changes - b.changes);
  return near[0]?.other;
}
