import type { Entry } from "./normalise.ts";

/** Where the two differ on purpose. */
export interface Difference {
  id: string;
  /** For docs/parity.md: what, and why. */
  reason: string;
  /** Takes the difference out of what either saw. */
  apply(entries: Entry[], scenario: string): Entry[];
}

/** Leaves keys out, wherever they are. */
const without = (...names: string[]) => {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== "object" || value === null) return value;
    const kept = Object.entries(value).filter(([name]) => !names.includes(name));
    return Object.fromEntries(kept.map(([name, of]) => [name, walk(of)]));
  };
  return (entries: Entry[]): Entry[] =>
    entries.map(({ kind, value }) => ({ kind, value: walk(value) }));
};

export const DIFFERENCES: Difference[] = [
  {
    id: "prompt id",
    reason:
      "Every prompt has an id, the turn's, so messages name it (`user_message_uuid`, `user_message_uuids`, and in results `request_sent_wall_ms`, `first_request_input_tokens`, `first_request_cache_read_input_tokens`). The Agent SDK does that only for prompts that were given a `uuid`.",
    apply: without(
      "user_message_uuid",
      "user_message_uuids",
      "owed_rows",
      "request_sent_wall_ms",
      "first_request_input_tokens",
      "first_request_cache_read_input_tokens",
    ),
  },
];

/** Takes the listed differences out; `listed` names those that made one. */
export function applyDifferences(
  scenario: string,
  left: Entry[],
  right: Entry[],
): { sdk: Entry[]; edge: Entry[]; listed: string[] } {
  const listed: string[] = [];
  let [sdk, edge] = [left, right];
  for (const { id, apply } of DIFFERENCES) {
    const [ours, theirs] = [apply(sdk, scenario), apply(edge, scenario)];
    const isSame = (one: Entry[], other: Entry[]) => JSON.stringify(one) === JSON.stringify(other);
    if (isSame(sdk, ours) && isSame(edge, theirs)) continue;
    listed.push(id);
    [sdk, edge] = [ours, theirs];
  }
  return { sdk, edge, listed };
}
