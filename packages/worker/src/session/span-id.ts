const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;
const MASK = (1n << 64n) - 1n;

/**
 * The id of a turn's span, or of one of its steps: 16 hexadecimal digits, the same at each try, so that a collector knows
 * what it is sent twice. FNV-1a of 64 bits: a turn has 1 000 steps at most.
 */
export function spanId(turn: string, step = ""): string {
  let hash = OFFSET;
  for (const character of `${turn}/${step}`) {
    hash = ((hash ^ BigInt(character.codePointAt(0)!)) * PRIME) & MASK;
  }
  // An id of zeros is none.
  return (hash === 0n ? OFFSET : hash).toString(16).padStart(16, "0");
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The trace of a turn: that of its caller, or its own. */
export interface TraceContext {
  traceId: string;
  /** The caller's span. */
  parent?: string;
  /** The caller wants it recorded, or did not say. */
  isSampled: boolean;
}

/** @param traceparent W3C traceparent of the request that the turn came with. */
export function traceContext(turn: string, traceparent: string | undefined): TraceContext {
  const [, traceId, parent, flags] = TRACEPARENT.exec(traceparent ?? "") ?? [];
  if (traceId === undefined || parent === undefined) {
    return { traceId: turn.replaceAll("-", ""), isSampled: true };
  }
  return { traceId, parent, isSampled: (Number.parseInt(flags!, 16) & 1) === 1 };
}

/** The traceparent of what the turn itself begins: its own span is the parent. */
export function childTraceparent(turn: string, traceparent: string | undefined): string {
  const { traceId, isSampled } = traceContext(turn, traceparent);
  return `00-${traceId}-${spanId(turn)}-${isSampled ? "01" : "00"}`;
}
