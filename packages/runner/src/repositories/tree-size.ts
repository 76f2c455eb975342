/** What a commit holds: files, and their bytes. */
export interface TreeSize {
  files: number;
  bytes: number;
}

const NUL = 0;

/**
 * Sums up what `git ls-tree -r -l -z` prints, as it comes: a tree of a few kilobytes can list more files than any disk
 * holds.
 */
export class TreeSizeReader {
  readonly size: TreeSize = { files: 0, bytes: 0 };
  /** The beginning of an entry that goes on in the next chunk. */
  #open = "";

  read(chunk: Buffer): TreeSize {
    let start = 0;
    for (let end = chunk.indexOf(NUL); end >= 0; end = chunk.indexOf(NUL, start)) {
      this.#add(this.#open + chunk.toString("latin1", start, end));
      this.#open = "";
      start = end + 1;
    }
    this.#open += chunk.toString("latin1", start);
    return this.size;
  }

  /** `<mode> <type> <id> <size>\t<path>`; of a submodule the size is `-`. */
  #add(entry: string): void {
    const [, size = ""] = /^\d+ \w+ [0-9a-f]+ +(\d+|-)\t/.exec(entry) ?? [];
    this.size.files += 1;
    this.size.bytes += Number(size) || 0;
  }
}
