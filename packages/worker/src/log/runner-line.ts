import {
  checkedUsage,
  type CheckpointFrame,
  type LogFrame,
  type LogLine,
  type MessageFrame,
  type ProcessStart,
  type RepositoryFrame,
  type RequestCancelledFrame,
  type RequestFrame,
  type TranscriptFrame,
  type TurnFrame,
} from "@claude-edge/protocol/runner";

/** The longest id or name in a frame, in characters. Those of a runner have up to 100. */
const MAX_ID_CHARS = 256;

/** The longest path or URL, in characters. */
const MAX_PATH_CHARS = 4_096;

const TURN_STATUSES = new Set<unknown>([
  "running",
  "waiting",
  "completed",
  "failed",
  "interrupted",
] satisfies TurnFrame["status"][]);

/** A value of a container's, which may be anything. */
type Untrusted<Value> = { [Field in keyof Value]?: unknown };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown, maxChars: number): value is string =>
  typeof value === "string" && value.length <= maxChars;
const isId = (value: unknown): value is string => isText(value, MAX_ID_CHARS);
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

/**
 * Parses a line of a runner's log. A container may send anything: what would not fit the tables, or is no frame at all,
 * is undefined and passed over, and figures are held to what can be counted. Messages and transcripts are stored as they
 * come.
 */
export function parseLine(text: string): LogLine | undefined {
  const line = parse(text);
  if (!isObject(line)) return undefined;
  const { kind } = line;
  if (kind === "head" || kind === "ping" || kind === "draining") return line as unknown as LogLine;
  if (!isCount(line.cursor) || !isId(line.turn) || !isFrame(line)) return undefined;
  if (!isCount(line.at)) delete line.at;
  if (!isProcessStart(line.process)) delete line.process;
  const frame = line as unknown as LogFrame;
  if (frame.kind !== "turn" || !frame.usage) return frame;
  return { ...frame, usage: checkedUsage(frame.usage) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isFrame(line: Record<string, unknown>): boolean {
  switch (line.kind) {
    case "message":
      return isObject((line as Untrusted<MessageFrame>).message);
    case "transcript": {
      const { subpath, entries } = line as Untrusted<TranscriptFrame>;
      const isNamed = subpath === undefined || isText(subpath, MAX_PATH_CHARS);
      return isNamed && Array.isArray(entries) && entries.every(isObject);
    }
    case "turn": {
      const { status, steered_turn: by, repeatable_tools: tools } = line as Untrusted<TurnFrame>;
      const isList = tools === undefined || (Array.isArray(tools) && tools.every(isId));
      return TURN_STATUSES.has(status) && isList && (by === undefined || isId(by));
    }
    case "checkpoint": {
      const { reason, number } = line as Untrusted<CheckpointFrame>;
      return isId(reason) && isCount(number);
    }
    case "request":
      return isRequest((line as Untrusted<RequestFrame>).request);
    case "request.cancelled":
      return isId((line as Untrusted<RequestCancelledFrame>).request);
    case "repository":
      return isRepository((line as Untrusted<RepositoryFrame>).repository);
    default:
      return false;
  }
}

function isProcessStart(process: unknown): boolean {
  if (!isObject(process)) return false;
  const { kind, start, end } = process as Untrusted<ProcessStart>;
  return isId(kind) && isCount(start) && isCount(end);
}

function isRepository(repository: unknown): boolean {
  if (!isObject(repository)) return false;
  const { url, path, status, commit } = repository;
  const isKnown = status === "cloning" || status === "cloned";
  const areTexts = isText(url, MAX_PATH_CHARS) && isText(path, MAX_PATH_CHARS);
  return isKnown && areTexts && (commit === undefined || isId(commit));
}

function isRequest(request: unknown): boolean {
  if (!isObject(request) || !isObject(request.payload)) return false;
  const { id, kind } = request as Untrusted<RequestFrame["request"]>;
  const { tool_use_id: toolUse } = request.payload;
  return isId(id) && id !== "" && isId(kind) && (toolUse === undefined || isId(toolUse));
}
