/** What a byte stream has to offer here; both the web's and Node's own do. */
interface ByteReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
}

/** Splits a byte stream into batches of lines: all that came whole in one chunk, without their line feeds. */
export async function* readLines(reader: ByteReader): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  // Chunks of a line that has not ended: joined once, for a 20 MB line comes in some thousand of them.
  let open: string[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const text = decoder.decode(value, { stream: true });
    const end = text.lastIndexOf("\n");
    if (end < 0) {
      open.push(text);
      continue;
    }
    const lines = (open.join("") + text.slice(0, end)).split("\n");
    open = [text.slice(end + 1)];
    yield lines;
  }
}
