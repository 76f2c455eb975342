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

const policy = (
  status: number,
  retryable: boolean,
  exit: number,
  suggestion?: string,
): ErrorPolicy => ({ status, retryable, exit, ...(suggestion ? { suggestion } : {}) });

/** The one table of errors: status, retryability, exit code and way out of each code. */
export const ERRORS = {
  // A request that cannot be taken.
  invalid_request: policy(400, false, EXIT.usage),
  invalid_json: policy(400, false, EXIT.usage, "Send a JSON object as the body."),
  unsupported_media_type: policy(
    415,
    false,
    EXIT.usage,
    "Send the body with content-type: application/json.",
  ),
  prompt_empty: policy(
    400,
    false,
    EXIT.usage,
    "Send a prompt with at least one visible character.",
  ),
  prompt_too_long: policy(
    413,
    false,
    EXIT.usage,
    "Shorten the prompt to 1 MiB, or put the text into a file of the workspace and name it.",
  ),
  body_too_large: policy(413, false, EXIT.usage, "Keep the body under 8 MiB."),
  protocol_mismatch: policy(
    400,
    false,
    EXIT.failed,
    "Bring client, Worker and container image to the same version of claude-edge.",
  ),

  // Who is asking.
  not_configured: policy(
    503,
    false,
    EXIT.auth,
    "Set the secret CLAUDE_EDGE_ROOT_KEY: `wrangler secret put CLAUDE_EDGE_ROOT_KEY`.",
  ),
  unauthorized: policy(
    401,
    false,
    EXIT.auth,
    "Set CLAUDE_EDGE_TOKEN to the deployment's key; over HTTP it is `Authorization: Bearer …`.",
  ),

  // What is asked for.
  not_found: policy(404, false, EXIT.notFound),
  method_not_allowed: policy(405, false, EXIT.usage),
  session_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "GET /v1/sessions lists the account's sessions; `claude-edge query --verbose` names its own.",
  ),
  turn_not_found: policy(404, false, EXIT.notFound),
  message_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "Take the id from `message.uuid` of an assistant or user message in the session's events.",
  ),
  request_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "GET /v1/requests, or `claude-edge requests`, lists what waits for an answer.",
  ),
  session_exists: policy(409, false, EXIT.conflict, "Choose another session id, or leave it out."),
  idempotency_conflict: policy(
    409,
    false,
    EXIT.conflict,
    "Use a new Idempotency-Key for a different request.",
  ),
  request_resolved: policy(
    409,
    false,
    EXIT.conflict,
    "The first answer counts: `details` says which it was.",
  ),
  queue_full: policy(429, true, EXIT.retryLater, "Wait until a turn of this account has ended."),

  // The container and what runs in it.
  container_unavailable: policy(
    503,
    true,
    EXIT.retryLater,
    "Try again in a few seconds; if it stays so, look at the container's logs.",
  ),
  container_lost: policy(
    502,
    true,
    EXIT.retryLater,
    "The container vanished in mid-turn. Send the prompt again; tools that had run are not undone.",
  ),
  container_full: policy(
    503,
    true,
    EXIT.retryLater,
    "Wait until a session of this container is idle, or choose a larger instance type.",
  ),
  turn_running: policy(409, true, EXIT.conflict, "Wait until the session's turn has ended."),
  agent_start_failed: policy(
    500,
    false,
    EXIT.failed,
    "Look at agent.config.ts and the session's options.",
  ),
  agent_exited: policy(502, true, EXIT.retryLater, "Send the prompt again."),

  control_failed: policy(422, false, EXIT.failed),
  caller_gone: policy(
    0,
    false,
    EXIT.failed,
    "Hooks and MCP servers run in the program that passed them: keep it connected while its turns run.",
  ),

  // How a turn can fail.
  model_not_configured: policy(
    503,
    false,
    EXIT.auth,
    "Set one of the secrets ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN or CLAUDE_CODE_OAUTH_TOKEN.",
  ),
  model_auth_failed: policy(
    502,
    false,
    EXIT.auth,
    "The model API refused the deployment's credential. Set a valid one.",
  ),
  model_rate_limited: policy(503, true, EXIT.retryLater, "Wait and send the prompt again."),
  model_overloaded: policy(503, true, EXIT.retryLater, "Wait and send the prompt again."),
  model_not_found: policy(502, false, EXIT.failed, "Choose a model this credential may use."),
  model_invalid_request: policy(502, false, EXIT.failed),
  model_refused: policy(422, false, EXIT.failed, "Rephrase the prompt."),
  model_error: policy(502, true, EXIT.retryLater, "Send the prompt again."),
  max_turns: policy(422, false, EXIT.failed, "Raise options.maxTurns, or continue the session."),
  max_budget: policy(422, false, EXIT.failed, "Raise options.maxBudgetUsd in a new session."),
  output_invalid: policy(
    422,
    false,
    EXIT.failed,
    "Simplify the schema, or ask for the output more plainly.",
  ),
  turn_failed: policy(500, false, EXIT.failed),
  interrupted: policy(409, false, EXIT.interrupted),

  // Raised by the client, about the connection.
  connection_failed: policy(
    0,
    true,
    EXIT.retryLater,
    "Check the URL (CLAUDE_EDGE_URL) and that the deployment, or `claude-edge dev`, is up.",
  ),
  timeout: policy(0, true, EXIT.retryLater),
  stream_interrupted: policy(
    0,
    true,
    EXIT.streamCut,
    "The turn may still be running: read on from the session's events.",
  ),
  protocol_error: policy(
    0,
    false,
    EXIT.streamCut,
    "Check that the URL is a claude-edge deployment and not a login or error page.",
  ),
  aborted: policy(0, false, EXIT.interrupted),
  no_url: policy(
    0,
    false,
    EXIT.usage,
    "Set CLAUDE_EDGE_URL or pass the URL; `claude-edge dev` prints a local one.",
  ),

  option_refused: policy(0, false, EXIT.usage),

  // Raised by the CLI and the local stack.
  usage: policy(0, false, EXIT.usage),
  node_too_old: policy(0, false, EXIT.usage, "Install Node.js 22.19 or newer."),
  project_not_found: policy(
    0,
    false,
    EXIT.usage,
    "Run it in the folder that holds wrangler.jsonc, or name that folder.",
  ),
  package_missing: policy(0, false, EXIT.usage, "Run `npm install` in the project's folder."),
  dev_running: policy(0, false, EXIT.conflict, "Use that one, or stop it first."),
  port_in_use: policy(
    0,
    false,
    EXIT.conflict,
    "Choose another with --port, or --port 0 for any free one.",
  ),

  internal: policy(500, true, EXIT.failed),
} as const satisfies Record<string, ErrorPolicy>;

/** A stable name for what went wrong: branch on it, not on the message. */
export type ErrorCode = keyof typeof ERRORS;

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

/** True when this version knows the code. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERRORS, code);
}

/** What follows from a code; a code from a newer version counts as `internal`. */
export function errorPolicy(code: string): ErrorPolicy {
  return isErrorCode(code) ? ERRORS[code] : ERRORS.internal;
}

/** Builds the wire form of an error from its code; the table supplies the rest. */
export function wireError(
  code: ErrorCode,
  message: string,
  details?: Record<string, unknown>,
): WireError {
  const { retryable, suggestion } = errorPolicy(code);
  return {
    code,
    message,
    retryable,
    ...(suggestion === undefined ? {} : { suggestion }),
    ...(details === undefined ? {} : { details }),
  };
}

/**
 * An error of the server side: thrown where it is seen, turned into an answer once, at the edge.
 * `code` and `details` are own properties, so they survive a Durable Object's RPC boundary, where the class does not.
 */
export class EdgeError extends Error {
  override readonly name = "EdgeError";
  readonly code: ErrorCode;
  readonly details: Record<string, unknown> | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    details?: Record<string, unknown>,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }
}

/** Reads an {@link EdgeError} off anything thrown, also one whose class was lost on the way. */
export function toWireError(thrown: unknown): WireError {
  if (thrown instanceof Error && "code" in thrown && isErrorCode(thrown.code)) {
    const details = "details" in thrown ? (thrown.details as Record<string, unknown>) : undefined;
    return wireError(thrown.code, thrown.message, details ?? undefined);
  }
  return wireError("internal", "Something went wrong inside the deployment.");
}
