/** Cancels streams that were read for a caller that was then refused. */
export function discard(value: unknown): void {
  if (value instanceof ReadableStream) void value.cancel().catch(() => {});
  const { body } = (value ?? {}) as { body?: unknown };
  if (body instanceof ReadableStream) void body.cancel().catch(() => {});
}
