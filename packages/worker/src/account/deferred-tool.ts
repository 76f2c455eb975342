import type { TranscriptEntry } from "@claude-edge/protocol/runner";

type Entry = TranscriptEntry["entry"];

interface Block {
  type?: string;
  id?: string;
  name?: string;
  input?: unknown;
  tool_use_id?: string;
}

interface ToolUse {
  block: Block;
  /** The entry it is in. */
  uuid: string;
  message: unknown;
}

/** What the model is told of a call that stood beside the one that had to wait. */
const SIBLING =
  "No result: another call of this answer had to wait for an approval, and the process ended meanwhile. " +
  "Whether this one ran is not known. Check, or call it again if it is still needed.";

/** Fields that every entry of a transcript repeats. */
const COMMON = ["cwd", "sessionId", "version", "userType", "entrypoint", "gitBranch"];

/**
 * The entries that have Claude Code go on at a tool use whose process is gone: as if a PreToolUse hook had deferred it,
 * so that it is asked about again, under the same id. (The entry is the one that `permissionDecision: "defer"` writes,
 * in version 2.1.328.) Other calls of the same answer without a result are given one that says so: Claude Code would
 * drop them, and the model could not know.
 *
 * @returns undefined when the transcript does not hold the tool use, or holds its result already.
 */
export function deferTool(transcript: Iterable<Entry>, toolUseId: string): Entry[] | undefined {
  let last: Entry | undefined;
  const uses = new Map<string, ToolUse>();
  for (const entry of transcript) {
    if (!entry.uuid || entry.isSidechain) continue;
    last = entry;
    const { content, id: message } = (entry.message ?? {}) as { content?: unknown; id?: unknown };
    if (!Array.isArray(content)) continue;
    for (const block of content as Block[]) {
      if (block.type === "tool_use" && block.id) {
        uses.set(block.id, { block, uuid: entry.uuid, message });
      }
      if (block.type === "tool_result") uses.delete(block.tool_use_id ?? "");
    }
  }
  const use = uses.get(toolUseId);
  if (!use || !last) return undefined;

  const common = Object.fromEntries(COMMON.map((name) => [name, last[name]]));
  let parent = last.uuid!;
  const entry = (of: Omit<Entry, "uuid"> & { type: string }): Entry => {
    const uuid = crypto.randomUUID();
    const timestamp = new Date().toISOString();
    const made = { parentUuid: parent, isSidechain: false, ...of, uuid, timestamp, ...common };
    parent = uuid;
    return made;
  };
  const siblings = [...uses.values()].filter(
    ({ block, message }) => message === use.message && block.id !== toolUseId,
  );
  return [
    ...siblings.map(({ block, uuid }) => {
      const result = {
        type: "tool_result",
        tool_use_id: block.id,
        content: SIBLING,
        is_error: true,
      };
      return entry({
        type: "user",
        message: { role: "user", content: [result] },
        sourceToolAssistantUUID: uuid,
      });
    }),
    entry({
      type: "attachment",
      attachment: {
        type: "hook_deferred_tool",
        toolUseID: toolUseId,
        toolName: use.block.name,
        toolInput: use.block.input,
        hookName: "settings",
        hookEvent: "PreToolUse",
        permissionMode: "default",
      },
    }),
  ];
}
