import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";

/** What names the prompt that a message is about. The Agent SDK's types do not have all of it. */
interface Named {
  type: string;
  /** Of what becomes of a prompt in the queue. */
  command_uuid?: string;
  state?: string;
  /** Of answers and results. */
  user_message_uuid?: string;
  origin?: { kind: string };
}

/**
 * What a message is to a turn whose prompt has been sent while tasks in the background could cause a turn by themselves.
 * `before`: it is of what they caused. `queued`: the prompt waits for that. `begun`: the prompt has been taken up, by itself
 * or between two tools of what tasks caused, so all that follows is the turn's. A result is another's only if it says so: a
 * turn whose end is missed would never end.
 */
export function placeOf(message: SDKMessage, turn: string): "before" | "queued" | "begun" {
  const {
    type,
    command_uuid: command,
    state,
    user_message_uuid: prompt,
    origin,
  } = message as Named;
  if (command === turn) return state === "queued" ? "queued" : "begun";
  if (prompt === turn) return "begun";
  const isOwn = type === "result" && (prompt !== undefined || origin?.kind !== "task-notification");
  return isOwn ? "begun" : "before";
}
