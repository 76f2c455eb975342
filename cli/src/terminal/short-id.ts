import { EdgeError } from "@claude-edge/protocol/errors";

/** The beginning of an id, and not all of it: 8 or more of its first characters, as tables show them. */
export const isShortId = (text: string): boolean => /^[0-9a-f-]{8,35}$/.test(text);

/**
 * The one whose id begins so; undefined when there is none. `what`: their name, in the plural.
 * @throws EdgeError `usage` when there are several.
 */
export function findByShortId<One extends { id: string }>(
  beginning: string,
  all: One[],
  what: string,
): One | undefined {
  const found = all.filter(({ id }) => id.startsWith(beginning));
  if (found.length <= 1) return found[0];
  const message = `${found.length} ${what} begin with ${beginning}: give more of the id.`;
  throw new EdgeError("usage", message);
}
