/** What a disk takes for the same name. */
export interface DiskNames {
  ignoresCase: boolean;
  /** One spelling of a character with an accent for the other, as macOS does. */
  ignoresForm: boolean;
}

/**
 * Two paths that are different and that the disk would take for the same: files, or folders on the way to them.
 * Undefined when there are none.
 */
export function findCollision(
  paths: Iterable<string>,
  { ignoresCase, ignoresForm }: DiskNames,
): [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const names = path.split("/");
    for (let depth = 1; depth <= names.length; depth += 1) {
      const part = names.slice(0, depth).join("/");
      const formed = ignoresForm ? part.normalize("NFC") : part;
      const key = ignoresCase ? formed.toUpperCase().toLowerCase() : formed;
      const before = seen.get(key);
      if (before !== undefined && before !== part) return [before, part];
      seen.set(key, part);
    }
  }
  return undefined;
}
