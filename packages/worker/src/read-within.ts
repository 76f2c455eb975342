/** Reads until `take` returns false, the time is over, or the stream ends. Returns which of them it was. */
export async function readWithin(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  patienceMs: number,
  take: (chunk: Uint8Array) => boolean,
): Promise<"done" | "enough" | "late"> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // Settles the pending read.
    void reader.cancel().catch(() => {});
  }, patienceMs);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) return "late";
      if (done) return "done";
      if (!take(value)) return "enough";
    }
  } catch (error) {
    if (isLate) return "late";
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
