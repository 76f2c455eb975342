import type {
  CheckpointList,
  CheckpointResource,
  FileChange,
  FileDiff,
  FileEntry,
  FileList,
  FileWritten,
  Rewound,
  SkippedFile,
} from "@claude-edge/protocol";
import * as z from "zod/mini";

import { schemaOf } from "./schema-of.js";

const more = { next_cursor: z.optional(z.string()) };

export const fileEntry = schemaOf<FileEntry>()(
  z.object({
    path: z.string(),
    type: z.enum(["file", "directory", "symlink"]),
    mode: z.int(),
    size: z.int(),
    sha256: z.optional(z.string()),
    target: z.optional(z.string()),
  }),
);

export const fileList = schemaOf<FileList>()(
  z.object({ checkpoint: z.int(), entries: z.array(fileEntry), ...more }),
);

export const fileWritten = schemaOf<FileWritten>()(
  z.object({ checkpoint: z.int(), changed: z.int(), entry: z.optional(fileEntry) }),
);

const fileChange = schemaOf<FileChange>()(
  z.object({
    path: z.string(),
    change: z.enum(["added", "modified", "deleted"]),
    before: z.optional(fileEntry),
    after: z.optional(fileEntry),
  }),
);

export const fileDiff = schemaOf<FileDiff>()(
  z.object({ from: z.int(), to: z.int(), changes: z.array(fileChange), ...more }),
);

const skippedFile = schemaOf<SkippedFile>()(
  z.object({ path: z.string(), reason: z.enum(["special", "unreadable", "name"]) }),
);

export const checkpoint = schemaOf<CheckpointResource>()(
  z.object({
    checkpoint: z.int(),
    reason: z.enum(["tool", "turn", "clone", "sleep", "write", "rewind", "fork"]),
    turn_id: z.optional(z.string()),
    files: z.int(),
    bytes: z.int(),
    changed: z.int(),
    created_at: z.string(),
    skipped: z.optional(z.array(skippedFile)),
  }),
);

export const checkpointList = schemaOf<CheckpointList>()(
  z.object({ checkpoints: z.array(checkpoint), ...more }),
);

export const rewound = schemaOf<Rewound>()(
  z.object({ turn_id: z.nullable(z.string()), checkpoint: z.int(), changed: z.int() }),
);
