import { expect, test } from "vitest";

import { blobStream, sha256 } from "../../test/support/entries.js";
import { BlobParser, type BlobSink } from "./blob-parser.js";

/** What a parser hands on: each blob with its bytes, once it has ended. */
function collect(chunks: Uint8Array[]): { sha256: string; content: string }[] {
  const blobs: { sha256: string; content: string }[] = [];
  let open: { sha256: string; bytes: Uint8Array[] } | undefined;
  const sink: BlobSink = {
    begin: (head) => (open = { sha256: head.sha256, bytes: [] }),
    data: (bytes) => open!.bytes.push(Buffer.from(bytes)),
    end() {
      blobs.push({ sha256: open!.sha256, content: Buffer.concat(open!.bytes).toString() });
      open = undefined;
    },
  };
  const parser = new BlobParser(sink);
  for (const chunk of chunks) parser.write(chunk);
  parser.end();
  return blobs;
}

test("a stream of blobs may be split anywhere, and at every byte", () => {
  const contents = ["one", "", "three\n{}", "\n"];
  const whole = blobStream(...contents);
  const blobs = contents.map((content) => ({ sha256: sha256(content), content }));
  for (let split = 0; split <= whole.length; split += 1) {
    expect(collect([whole.subarray(0, split), whole.subarray(split)])).toEqual(blobs);
  }
  expect(collect([...whole].map((byte) => Buffer.from([byte])))).toEqual(blobs);
});

test("a stream that ends within a head or a blob is told", () => {
  const whole = blobStream("one");
  for (let end = 1; end < whole.length; end += 1) {
    expect(() => collect([whole.subarray(0, end)])).toThrow(
      expect.objectContaining({ code: "file_damaged" }),
    );
  }
});
