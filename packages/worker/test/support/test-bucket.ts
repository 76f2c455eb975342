/** A bucket of R2, as far as packs use it. */
export class TestBucket {
  readonly objects: Map<string, Uint8Array> = new Map();

  /* oxlint-disable require-await -- as a binding's */
  put = async (key: string, bytes: Uint8Array): Promise<void> =>
    void this.objects.set(key, bytes.slice());

  delete = async (keys: string[]): Promise<void> => {
    for (const key of keys) this.objects.delete(key);
  };

  get = async (
    key: string,
    { range: { offset, length } }: { range: { offset: number; length: number } },
  ): Promise<{ body: ReadableStream } | null> => {
    const bytes = this.objects.get(key);
    return bytes ? { body: new Blob([bytes.slice(offset, offset + length)]).stream() } : null;
  };

  list = async ({ prefix, startAfter = "", limit }: R2ListOptions): Promise<R2Objects> => {
    const keys = [...this.objects.keys()].toSorted();
    const found = keys.filter((key) => key.startsWith(prefix!) && key > startAfter);
    const objects = found.slice(0, limit).map((key) => ({ key }));
    return { objects, truncated: found.length > limit! } as R2Objects;
  };
  /* oxlint-enable require-await */

  /** As a binding. */
  get binding(): R2Bucket {
    return this as unknown as R2Bucket;
  }
}
