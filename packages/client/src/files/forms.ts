import type {
  CheckpointList,
  FileDiff,
  FileList,
  FileWritten,
  Rewound,
} from "@claude-edge/protocol/wire";

/** What is checked of answers about files before they are believed: the fields that are gone by. */
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const hasPaths = (value: unknown): boolean =>
  Array.isArray(value) && value.every((item) => isObject(item) && typeof item.path === "string");

export const isFileList = (value: unknown): value is FileList =>
  isObject(value) && typeof value.checkpoint === "number" && hasPaths(value.entries);

export const isFileDiff = (value: unknown): value is FileDiff =>
  isObject(value) &&
  typeof value.from === "number" &&
  typeof value.to === "number" &&
  hasPaths(value.changes);

export const isFileWritten = (value: unknown): value is FileWritten =>
  isObject(value) && typeof value.checkpoint === "number" && typeof value.changed === "number";

export const isCheckpointList = (value: unknown): value is CheckpointList =>
  isObject(value) &&
  Array.isArray(value.checkpoints) &&
  value.checkpoints.every((item) => isObject(item) && typeof item.checkpoint === "number");

export const isRewound = (value: unknown): value is Rewound =>
  isFileWritten(value) && "turn_id" in value;
