import { EdgeError } from "@claude-edge/protocol";

import { BlobParser } from "./blob-parser.js";
import { readTarget } from "./target.js";
import type { Workspace } from "./workspace.js";

/** A request body that arrives in chunks. `drop` is always called last. */
export interface Body {
  write(bytes: Uint8Array): void;
  /** Returns the hashes of content that is still missing. */
  end(): string[];
  drop(): void;
}

/** The desired state of a workspace. It is applied only after it has arrived completely and was validated. */
export function targetBody(
  workspace: Workspace,
  sourcesOf: (wanted: ReadonlySet<string>) => Map<string, string[]>,
): Body {
  const chunks: Uint8Array[] = [];
  return {
    write: (bytes) => void chunks.push(bytes),
    end: () => workspace.restore(readTarget(Buffer.concat(chunks).toString()), sourcesOf),
    drop: () => {},
  };
}

/** Blobs that were missing. */
export function blobsBody(workspace: Workspace): Body {
  const sink = workspace.receive();
  const parser = new BlobParser(sink);
  return {
    write: (bytes) => parser.write(bytes),
    end: () => {
      parser.end();
      const { missing } = workspace;
      if (missing.length > 0 || workspace.isComplete) return missing;
      throw new EdgeError("workspace_unavailable", "Say again how the workspace is to be.");
    },
    drop: () => sink.drop(),
  };
}
