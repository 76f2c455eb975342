import { ATTACHMENTS_FOLDER } from "@claude-edge/protocol";
import type { WorkspaceEntry } from "@claude-edge/protocol/runner";

import type { Store } from "../account/store.js";
import type { Files } from "./files.js";
import { namesOf } from "./resolve.js";

/** Puts what goes with a turn's prompt into its session's workspace, once, when its turn has come. */
export function landAttachments(files: Files, store: Store, session: string, turn: string): void {
  const attachments = store.attachmentsOf(turn);
  if (attachments.every((attachment) => "path" in attachment)) return;
  const { root } = files.stored.checkpoints.stateAt(session);
  const taken = new Set<string>();
  const isFree = (path: string, sha256: string) => {
    const node = files.stored.trees.at(root, namesOf(path));
    return !taken.has(path) && (!node || (node.type === "file" && node.sha256 === sha256));
  };
  const changes: WorkspaceEntry[] = [];
  const landed = attachments.map((attachment) => {
    if ("path" in attachment) return attachment;
    const { name, sha256, size } = attachment;
    let path = `${ATTACHMENTS_FOLDER}/${name}`;
    for (let count = 2; !isFree(path, sha256); count += 1) {
      path = `${ATTACHMENTS_FOLDER}/${numbered(name, count)}`;
    }
    taken.add(path);
    changes.push({ path, type: "file", mode: 0o644, size, sha256 });
    return { path };
  });
  store.transaction(() => {
    files.commit(session, "write", changes, turn);
    store.setAttachments(turn, landed);
  });
}

/** `photo.png` as `photo-2.png`. */
function numbered(name: string, count: number): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? `${name.slice(0, dot)}-${count}${name.slice(dot)}` : `${name}-${count}`;
}
