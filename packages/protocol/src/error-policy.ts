/** Process exit codes of the CLI. The error table below maps every error code to one of them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  cancelled: 3,
  auth: 4,
  notFound: 5,
  conflict: 6,
  retryLater: 7,
  streamCut: 8,
  interrupted: 130,
} as const;

/** What follows from an error code, wherever it turns up. */
export interface ErrorPolicy {
  /** HTTP status of an answer that carries it. 0: it never travels, it is raised where it is seen. */
  readonly status: number;
  /** The same request may be sent again, unchanged, with hope. */
  readonly retryable: boolean;
  /** Exit code of the CLI. */
  readonly exit: number;
  /** What to do about it, in one sentence. */
  readonly suggestion?: string;
}

export const policy = (
  status: number,
  retryable: boolean,
  exit: number,
  suggestion?: string,
): ErrorPolicy => ({ status, retryable, exit, ...(suggestion ? { suggestion } : {}) });

/** An error as it travels: in HTTP error answers and in failed turns. */
export interface WireError {
  /** An {@link ErrorCode}; a newer deployment may send one this version does not know. */
  code: string;
  /** For people. Names the offending value, never a secret. */
  message: string;
  retryable: boolean;
  suggestion?: string | undefined;
  details?: Record<string, unknown> | undefined;
}

/** The wire form of an error whose policy is known. */
export function withPolicy(
  code: string,
  { retryable, suggestion }: ErrorPolicy,
  message: string,
  details: Record<string, unknown> | undefined,
): WireError {
  return {
    code,
    message,
    retryable,
    ...(suggestion === undefined ? {} : { suggestion }),
    ...(details === undefined ? {} : { details }),
  };
}
