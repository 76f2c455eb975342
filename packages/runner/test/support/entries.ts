import { sha256 } from "../../../../tests/support/entries.js";

export { deleted, directory, file, sha256, symlink } from "../../../../tests/support/entries.js";

/** Contents as they are sent. */
export function blobStream(...contents: string[]): Buffer {
  const parts = contents.map((content) => {
    const head = { sha256: sha256(content), size: Buffer.byteLength(content) };
    return `${JSON.stringify(head)}\n${content}`;
  });
  return Buffer.from(parts.join(""));
}
