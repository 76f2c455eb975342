import type { TranscriptEntry } from "@claude-edge/protocol/runner";

import { blocksOf, type Block } from "./blocks.js";

type Entry = TranscriptEntry["entry"];

interface ToolUse {
  block: Block;
  /** The transcript entry that holds it. */
  uuid: string;
  message: unknown;
}

/** The result given to the model for other calls of the same answer. */
const SIBLING =
  "No result: another call of this answer had to wait for an approval, and the process ended meanwhile. " +
  "Whether this one ran is not known. Check, or call it again if it is still needed.";

/** Fields that every transcript entry repeats. */
const COMMON = ["cwd", "sessionId", "version", "userType", "entrypoint", "gitBranch"];

/**
 * Transcript entries that make Claude Code continue at a tool use whose process is gone. They mark it as deferred by a
 * PreToolUse hook, so Claude Code asks for permission again under the same id. (`permissionDecision: "defer"` writes the
 * same entry, as of version 2.1.328.) Other calls of the same answer get an error result: Claude Code would drop them
 * silently.
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
    for (const block of blocksOf(content)) {
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
