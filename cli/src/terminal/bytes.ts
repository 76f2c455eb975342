const UNITS = ["kB", "MB", "GB", "TB"];

/** A number of bytes for people: `17 B`, `1.2 kB`, `34 MB`. */
export function humanBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  let value = bytes / 1_000;
  let unit = 0;
  // 999.95 would be shown as 1000.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}
