/** How much goes into one row, in characters: a row may hold 2 MB, and a character is at most 3 bytes of UTF-8. */
export const PART_CHARS = 600_000;

/** Cuts a text into parts, as long as a row takes if not told otherwise, never between the halves of a surrogate pair: SQLite would replace both. */
export function cut(text: string, length: number = PART_CHARS): string[] {
  const parts: string[] = [];
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + length, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}
