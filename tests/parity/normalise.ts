/** Something a program saw. */
export interface Entry {
  kind: string;
  value: unknown;
}

/** Ids, each replaced by the order in which it was first seen. */
const ID_KEYS = new Set([
  "uuid",
  "session_id",
  "sessionId",
  "request_id",
  "requestId",
  "prompt_id",
  "agent_id",
  "agentID",
  "agentId",
  "task_id",
  "hook_id",
  "message_id",
  "turn_id",
  "run_id",
  "runId",
]);

/** Times, sizes of prompts (which hold paths), and what is counted from those. */
const NUMBERS =
  /^(duration\w*|ttft\w*|\w*timestamp|\w*_at|time_to\w*|\w*_ms|\w*Ms|input_tokens|inputTokens|\w*cost\w*|costUSD|total_tokens|totalTokens|totalDurationMs|elapsed\w*|end_time|retry_delay\w*|\w*queue\w*time\w*|estimated\w*)$/i;

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

/** A heartbeat of a tool or hook, every 30 s that it runs: how many there are depends on how busy the machine is. */
function isHeartbeat({ kind, value }: Entry): boolean {
  const { type, heartbeat } = (value ?? {}) as Record<string, unknown>;
  return kind === "message" && type === "tool_progress" && heartbeat === true;
}

/**
 * Without what is told of tools that take long: it is told from about 2 s on, when Claude Code looks next, so the same tool
 * has it or not.
 */
function withoutLongTools(entries: Entry[]): Entry[] {
  const inForeground = new Set<unknown>();
  return entries.filter(({ kind, value }) => {
    const { subtype, task_id, is_backgrounded, output_file } = (value ?? {}) as Record<
      string,
      unknown
    >;
    if (kind !== "message") return true;
    const isStart = subtype === "task_started" && is_backgrounded === false;
    if (isStart) inForeground.add(task_id);
    const isEnd = subtype === "task_notification" && output_file === "";
    return !isStart && !(isEnd && inForeground.has(task_id));
  });
}

/** What two runs can have in common: ids by the order of their appearance, times and places aside. */
export function normalise(entries: Entry[]): Entry[] {
  const names = new Map<string, string>();
  const nameOf = (kind: string, id: string) => {
    if (!names.has(id)) names.set(id, `<${kind}${names.size + 1}>`);
    return names.get(id)!;
  };
  const text = (value: string) =>
    value
      .replaceAll(/\/tmp\/(parity|claude-edge|cc-socks|claude-resume)-[^\s"'\\)]*/g, "<path>")
      .replaceAll(/toolu_\d+_\d+(_\w+)?/g, (id) => nameOf("tool", id))
      .replaceAll(/(msg|req)_\d+/g, (id) => nameOf("message", id))
      .replaceAll(UUID, (id) => nameOf("id", id))
      .replaceAll(/\ba[0-9a-f]{16}\b/g, (id) => nameOf("agent", id))
      .replaceAll(/\bb[0-9a-z]{8}\b/g, (id) => nameOf("shell", id))
      .replaceAll(TIME, "<time>")
      .replaceAll(
        /duration_ms: \d+|total_tokens: \d+|in \d+(\.\d+)?m?s|subagent_tokens: \d+/g,
        "<number>",
      );
  const walk = (value: unknown, key = ""): unknown => {
    if (typeof value === "string") {
      if (ID_KEYS.has(key) && value !== "") return nameOf("id", value);
      return NUMBERS.test(key) ? "<time>" : text(value);
    }
    if (typeof value === "number") return NUMBERS.test(key) ? "<number>" : value;
    if (Array.isArray(value)) return value.map((item) => walk(item, key));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, of]) => [text(name), walk(of, name)]),
    );
  };
  return withoutLongTools(entries)
    .filter((entry) => !isHeartbeat(entry))
    .map(({ kind, value }) => ({ kind, value: walk(value) }));
}
