/**
 * Size of one row's part, in characters: a row may hold 2 MB, and a UTF-16 unit takes at most 3 bytes of UTF-8. Large
 * events are sent to readers part by part, so this is also what one of them has in flight.
 */
export const PART_CHARS: number = 256 * 1024;

/**
 * The most parts that one text, or the bytes of one pack, may have: 6 GB of text, 10 GB of bytes, as much as an object
 * can hold.
 */
const MAX_PARTS = 10_000;

/**
 * The row of a part. Numbers and parts share the table's integer key: a row is written once for itself and once for each
 * index, and a table WITHOUT ROWID takes up to 3.4 times the size of rows of 1 to 2 kB, beside 1.35 times.
 */
export const partKey = (number: number, part: number): number => number * MAX_PARTS + part;

/** The number that a row's key was made of. */
export const numberOf = (key: number): number => Math.floor(key / MAX_PARTS);

/** Cuts a text into parts, never inside a surrogate pair: SQLite would replace both halves. */
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
