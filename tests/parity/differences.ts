import type { Entry } from "./normalise.ts";

/** What a program ran on: the client, or the Agent SDK with `claude-edge stdio` as its executable. */
export type Way = "edge" | "stdio";

/** Where they differ from the Agent SDK on purpose. */
export interface Difference {
  id: string;
  /** Where it differs; both without it. */
  way?: Way;
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

/** Rewrites every text, wherever it is. */
const rewriting = (rewrite: (text: string) => string) => {
  const walk = (value: unknown): unknown => {
    if (typeof value === "string") return rewrite(value);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, walk(of)]));
  };
  return (entries: Entry[]): Entry[] =>
    entries.map(({ kind, value }) => ({ kind, value: walk(value) }));
};

/** Only in one program. */
const only =
  (name: string, apply: (entries: Entry[]) => Entry[]) =>
  (entries: Entry[], scenario: string): Entry[] =>
    scenario === name ? apply(entries) : entries;

const isHook = ({ kind, value }: Entry, event: string) =>
  kind === "hook" && (value as { event: string }).event === event;

/** `canUseTool` before the PermissionRequest hook that is called at the same time. No message may be between them. */
function askedFirst(entries: Entry[]): Entry[] {
  const sorted = [...entries];
  for (let index = 1; index < sorted.length; index += 1) {
    const [before, after] = [sorted[index - 1]!, sorted[index]!];
    if (!isHook(before, "PermissionRequest") || after.kind !== "canUseTool") continue;
    [sorted[index - 1], sorted[index]] = [after, before];
  }
  return sorted;
}

const messageOf = ({ kind, value }: Entry) =>
  (kind === "message" ? value : {}) as Record<string, unknown>;

const isQueued = (entry: Entry) => {
  const { type, state } = messageOf(entry);
  return type === "command_lifecycle" && state === "queued";
};

/** Without what a turn says of having been stopped: what the model is told, and the first result. */
function withoutStopped(entries: Entry[]): Entry[] {
  const end = entries.findIndex((entry) => messageOf(entry).type === "result");
  return entries.filter((entry, place) => place > end || messageOf(entry).type === "system");
}

const CALLBACKS = new Set(["hook", "canUseTool", "tool"]);

/** Messages in their order, then callbacks in theirs. */
const apart = (entries: Entry[]): Entry[] => [
  ...entries.filter(({ kind }) => !CALLBACKS.has(kind)),
  ...entries.filter(({ kind }) => CALLBACKS.has(kind)),
];

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
  {
    id: "begun messages",
    reason:
      "The container always runs with partial messages, so results name the messages that had begun (`begun_message_ids`); the Agent SDK does that only with `includePartialMessages`.",
    apply: without("begun_message_ids"),
  },
  {
    id: "callback timing",
    reason:
      "Messages come in their order, and callbacks in theirs; on a busy machine a callback may be called a few milliseconds before the message that was written just before it is handed out.",
    apply: apart,
  },
  {
    id: "permission hooks",
    reason:
      "Claude Code calls `canUseTool` and the PermissionRequest hooks at the same time; here the hook often comes first, because a permission is asked only when its tool call is stored.",
    apply: askedFirst,
  },
  {
    id: "variables of the process",
    way: "stdio",
    reason:
      "A program that is started as `claude` cannot tell what `options.env` adds from what belongs to this machine, so none of it goes to the container; `settings: { env: { … } }` does.",
    apply: only(
      "options of this machine: a variable",
      rewriting((text) => text.replaceAll("[42]", "[]")),
    ),
  },
  {
    id: "abort",
    way: "edge",
    reason:
      "An aborted query throws this package's `AbortError` (`code: \"aborted\"`), which has its name; the Agent SDK's is called `Error`.",
    apply: (entries) =>
      entries.map(({ kind, value }) => {
        const { name, message } = (value ?? {}) as Record<string, unknown>;
        const isAbort = kind === "throws" && name === "AbortError";
        return isAbort ? { kind, value: { name: "Error", message } } : { kind, value };
      }),
  },
  {
    id: "message queued",
    reason:
      "A message that steers a turn is kept by its session, and comes to Claude Code when the tools that run are done. `command_lifecycle` messages, which come for messages with a `uuid`, say `queued` then, and not at once.",
    apply: (entries) => entries.filter((entry) => !isQueued(entry)),
  },
  {
    id: "stopped by a message",
    reason:
      'A message with `priority: "now"` stops the turn as `interrupt()` does: the result says `error_during_execution`, and a `[Request interrupted by user …]` stands in the conversation. Of the Agent SDK it says `success` with an empty text if a tool was stopped.',
    apply: only("steering: priority now", withoutStopped),
  },
  {
    id: "empty message",
    reason:
      "A message of a streaming prompt that is an empty text goes to the model as an empty block; the Agent SDK puts `(no content)` in its place.",
    apply: only("steering: an empty message", (entries) =>
      without(
        "output_tokens",
        "outputTokens",
      )(rewriting((text) => text.replaceAll("“(no content)”", "“”"))(entries)),
    ),
  },
  {
    id: "model host",
    reason:
      "Claude Code's advice after a failed model call names the host it asks: in a container that is the deployment's gateway, `model.claude-edge.internal`.",
    apply: rewriting((text) =>
      text.replaceAll(/inference gateway \([^)]*\)/g, "inference gateway (<host>)"),
    ),
  },
  {
    id: "model cut off",
    reason:
      "A model API that breaks off before it has answered is told to Claude Code by the gateway, as status 502; it tries again either way.",
    apply: only("model errors: dropped before it answered", (entries) =>
      without("error", "error_status")(entries),
    ),
  },
  {
    id: "hot process",
    reason:
      "A session's process is kept between queries, so `result_index` counts on where the Agent SDK's new process begins at 0.",
    apply: without("result_index"),
  },
  {
    id: "figures of a fork",
    reason:
      "`modelUsage` and `total_cost_usd` in result messages are sums that Claude Code carries over when a process has ended. A session whose process is still kept can be forked here, and the fork's sums then begin at 0. The usage of a turn (`turn.usage`, `GET /v1/sessions/{id}/turns/{turn}`) is that turn's alone, always.",
    apply: only("forked", (entries) => without("modelUsage", "total_cost_usd")(entries)),
  },
  {
    id: "no such session",
    way: "edge",
    reason:
      "`resume` with an id that the account does not have throws `session_not_found` at once, with Claude Code's words (`No conversation found with session ID: …`); the Agent SDK first yields a result message that says so.",
    apply: only("resumed, but there is none", () => []),
  },
];

/** What is left of either when the listed differences are out, all but one if that is named. */
export function withoutDifferences(
  entries: Entry[],
  scenario: string,
  on: Way,
  allBut?: string,
): Entry[] {
  let left = entries;
  for (const { id, way = on, apply } of DIFFERENCES) {
    if (id !== allBut && way === on) left = apply(left, scenario);
  }
  return left;
}
