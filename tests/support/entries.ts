import { createHash } from "node:crypto";

import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

export const sha256 = (content: string | Uint8Array): string =>
  createHash("sha256").update(content).digest("hex");

export const file = (path: string, content = "", mode = 0o644): WorkspaceEntry => ({
  path,
  type: "file",
  mode,
  size: Buffer.byteLength(content),
  sha256: sha256(content),
});
export const directory = (path: string, mode = 0o755): WorkspaceEntry => ({
  path,
  type: "directory",
  mode,
});
export const symlink = (path: string, target: string): WorkspaceEntry => ({
  path,
  type: "symlink",
  target,
});
export const deleted = (path: string): WorkspaceEntry => ({ path, type: "deleted" });
