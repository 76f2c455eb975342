import type { CheckpointFrame, LogFrame } from "@claude-edge/protocol/runner";

/** A line of a script: a shell command. */
export const bash = (command: string): string => `%tool Bash ${JSON.stringify({ command })}`;

export const isCheckpoint = (frame: LogFrame): frame is CheckpointFrame =>
  frame.kind === "checkpoint";

/** A message that brings a tool's result. */
export const isToolResult = (frame: LogFrame): boolean =>
  frame.kind === "message" &&
  frame.message.type === "user" &&
  JSON.stringify(frame.message).includes("tool_result");

/** Transcript entries that bring one. */
export const isStoredResult = (frame: LogFrame): boolean =>
  frame.kind === "transcript" && JSON.stringify(frame.entries).includes('"tool_result"');

/** The states that turns went through. */
export const statusesIn = (frames: LogFrame[]): string[] =>
  frames.flatMap((frame) => (frame.kind === "turn" ? [frame.status] : []));
