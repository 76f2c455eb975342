import { ATTACHMENTS_FOLDER, type AttachedFile } from "@claude-edge/protocol";
import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import type { Files } from "./files.js";
import { namesOf } from "./resolve.js";

/** Storage of the attachments of turns. */
interface AttachmentStore {
  attachmentsOf(turn: string): AttachedFile[];
  setAttachments(turn: string, attachments: AttachedFile[]): void;
  transaction<T>(work: () => T): T;
}

/** Writes a prompt's attachments into the workspace when its turn begins. Does nothing the second time. */
export function placeAttachments(files: Files, store: AttachmentStore, turn: string): void {
  const attachments = store.attachmentsOf(turn);
  if (attachments.every((attachment) => "path" in attachment)) return;
  const { root } = files.stored.checkpoints.stateAt();
  const usedPaths = new Set<string>();
  const isFree = (path: string, sha256: string) => {
    const node = files.stored.trees.at(root, namesOf(path));
    return !usedPaths.has(path) && (!node || (node.type === "file" && node.sha256 === sha256));
  };
  const changes: WorkspaceEntry[] = [];
  const placed = attachments.map((attachment) => {
    if ("path" in attachment) return attachment;
    const { name, sha256, size } = attachment;
    let path = `${ATTACHMENTS_FOLDER}/${name}`;
    for (let count = 2; !isFree(path, sha256); count += 1) {
      path = `${ATTACHMENTS_FOLDER}/${numbered(name, count)}`;
    }
    usedPaths.add(path);
    changes.push({ path, type: "file", mode: 0o644, size, sha256 });
    return { path };
  });
  store.transaction(() => {
    files.commit("write", changes, turn);
    store.setAttachments(turn, placed);
  });
}

/** Turns `photo.png` into `photo-2.png`. */
function numbered(name: string, count: number): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? `${name.slice(0, dot)}-${count}${name.slice(dot)}` : `${name}-${count}`;
}
