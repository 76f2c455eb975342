import { CLI_ERRORS } from "./cli-errors.js";
import { CLIENT_ERRORS } from "./client-errors.js";
import { EXIT, policy, withPolicy, type ErrorPolicy, type WireError } from "./error-policy.js";
import { OUTSIDE_ERRORS } from "./outside-errors.js";
import { suggestionFor } from "./unavailable.js";

export { EXIT, type ErrorPolicy, type WireError } from "./error-policy.js";

/** The one table of errors: status, retryability, exit code and way out of each code. */
export const ERRORS = {
  ...CLIENT_ERRORS,
  ...CLI_ERRORS,
  ...OUTSIDE_ERRORS,

  // A request that cannot be taken.
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
  body_too_large: policy(
    413,
    false,
    EXIT.usage,
    "Send less at once: the message says how much may come.",
  ),
  body_too_slow: policy(408, true, EXIT.retryLater, "Send the whole body within 30 seconds."),
  path_too_long: policy(
    414,
    false,
    EXIT.usage,
    "Keep path and query under 4096 characters; what is longer belongs into a body.",
  ),
  headers_too_large: policy(431, false, EXIT.usage, "Keep all headers together under 32 KiB."),

  // Who is asking.
  not_configured: policy(
    503,
    false,
    EXIT.auth,
    "Set it: `claude-edge secrets set CLAUDE_EDGE_ROOT_KEY`, or for `claude-edge serve` in its environment.",
  ),
  forbidden: policy(
    403,
    false,
    EXIT.auth,
    "Use the root key, or a token that allows it: `claude-edge tokens create` mints one, with the root key.",
  ),

  // What is asked for.
  account_erasing: policy(
    409,
    false,
    EXIT.conflict,
    "Wait until it is done: `claude-edge accounts show` says what is left. Then the name starts from nothing.",
  ),
  account_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "`claude-edge accounts` lists them, with the root key; over HTTP it is GET /v1/accounts.",
  ),
  not_found: policy(404, false, EXIT.notFound),
  method_not_allowed: policy(405, false, EXIT.usage),
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
  file_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "`claude-edge files ls <session>` lists what there is; over HTTP it is GET /v1/sessions/{id}/files.",
  ),
  checkpoint_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "Name a turn of the session that has ended, or a checkpoint of GET /v1/sessions/{id}/checkpoints.",
  ),
  path_invalid: policy(
    400,
    false,
    EXIT.usage,
    "Name it from the workspace, with slashes: `src/main.ts`.",
  ),
  not_a_file: policy(
    409,
    false,
    EXIT.conflict,
    "A folder is read as a tar, and deleted with `recursive`; a link out of the workspace is not followed.",
  ),
  not_a_directory: policy(
    409,
    false,
    EXIT.conflict,
    "Delete what is in the way, or choose another path.",
  ),
  file_changed: policy(
    412,
    false,
    EXIT.conflict,
    "Read it again: its ETag is what If-Match goes by. With If-None-Match: * it must not exist.",
  ),
  range_not_satisfiable: policy(416, false, EXIT.usage),
  file_too_large: policy(
    413,
    false,
    EXIT.usage,
    "Send less at once: the message says how much may come. What is larger the agent can fetch or make itself.",
  ),
  upload_cut: policy(400, true, EXIT.retryLater, "Send it again: nothing of it was kept."),
  tar_invalid: policy(
    400,
    false,
    EXIT.usage,
    "Send an uncompressed tar of files, folders and links that stay inside.",
  ),
  storage_full: policy(
    507,
    false,
    EXIT.failed,
    'Delete sessions or files, or let sessions expire (CLAUDE_EDGE_RETENTION). Files take no room with R2: "r2_buckets": [{ "binding": "FILES", "bucket_name": "…" }] in wrangler.jsonc.',
  ),
  file_damaged: policy(
    500,
    false,
    EXIT.failed,
    "What is stored is not what was written. Go back to a checkpoint before it, or write the file again.",
  ),
  workspace_too_large: policy(
    413,
    false,
    EXIT.failed,
    'Delete files, or keep them out of checkpoints: `workspace: { ignore: ["data/"] }` in agent.config.ts.',
  ),
  disk_full: policy(
    507,
    false,
    EXIT.failed,
    "The container's disk is full. Delete files, or choose a larger instance type.",
  ),
  workspace_unavailable: policy(
    503,
    true,
    EXIT.retryLater,
    "The session's files could not be brought into its container. Try again; what is stored is whole.",
  ),
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
  version_skew: policy(
    503,
    true,
    EXIT.retryLater,
    "A new version is being deployed: try again in a minute. If it stays so, deploy again.",
  ),
  overloaded: policy(503, true, EXIT.retryLater, "Wait as long as `retry-after` says."),
  rate_limited: policy(429, true, EXIT.retryLater, "Wait as long as `retry-after` says."),
  session_busy: policy(
    429,
    true,
    EXIT.retryLater,
    "Try again when fewer uploads and readers of this session are open.",
  ),
  too_many_sessions: policy(
    409,
    false,
    EXIT.conflict,
    "Delete sessions, or have the limit raised: `claude-edge limits set`, with the root key.",
  ),
  budget_spent: policy(
    402,
    false,
    EXIT.failed,
    "The day's budget is new at 00:00 UTC; the root key can raise it: `claude-edge limits set`.",
  ),
  secret_name_refused: policy(
    400,
    false,
    EXIT.usage,
    "Choose a name like FAL_KEY: letters, digits and underscores, and no variable that programs or claude-edge go by.",
  ),
  secret_hosts_invalid: policy(
    400,
    false,
    EXIT.usage,
    "Name each host that is to get it: `api.example.com`, `*.example.com`, with a port of its own `api.example.com:8443`.",
  ),
  secret_value_invalid: policy(
    400,
    false,
    EXIT.usage,
    'Send one line of printable ASCII. What has more lines or other characters can only go into a body: `"in": { "body": true }`.',
  ),
  secret_too_large: policy(413, false, EXIT.usage, "Keep the value under 64 KiB."),
  secret_not_found: policy(
    404,
    false,
    EXIT.notFound,
    "`claude-edge secrets list` lists them; over HTTP it is GET /v1/secrets.",
  ),
  too_many_secrets: policy(409, false, EXIT.conflict, "Delete secrets that nothing needs."),
  secret_unreadable: policy(
    503,
    false,
    EXIT.failed,
    "Put the root key that it was sealed with into CLAUDE_EDGE_ROOT_KEY_OLD, or set the secret again.",
  ),
  // The message says which policy, and what to set in it.
  network_denied: policy(403, false, EXIT.failed),
  network_too_wide: policy(
    409,
    false,
    EXIT.usage,
    "Widen the deployment's policy first: CLAUDE_EDGE_NETWORK in wrangler.jsonc.",
  ),
  setting_invalid: policy(
    503,
    false,
    EXIT.failed,
    "Mend the variable in wrangler.jsonc, and deploy again.",
  ),

  jurisdiction_changed: policy(
    503,
    false,
    EXIT.failed,
    "Set CLAUDE_EDGE_JURISDICTION back to what it was. Data does not move: another jurisdiction takes a deployment of its own.",
  ),

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
    "The container vanished in mid-turn, and a tool may have run. Send the prompt again; tools that had run are not undone.",
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

  // Its repositories, cloned before its turns.
  repository_not_found: policy(
    422,
    false,
    EXIT.notFound,
    "Check the URL. A private repository needs a `secret` whose token may read it.",
  ),
  repository_unauthorized: policy(
    422,
    false,
    EXIT.auth,
    "Name a `secret` that holds a valid token, and the repository's host among the hosts of that secret: `claude-edge secrets list`.",
  ),
  repository_ref_not_found: policy(
    422,
    false,
    EXIT.notFound,
    "Name a branch or a tag of the repository, or a whole commit id; without `ref` it is the default branch.",
  ),
  repository_unreachable: policy(
    502,
    true,
    EXIT.retryLater,
    "The network policy must allow the repository's host: `claude-edge network allow <host>`. If it does, try again.",
  ),
  repository_too_large: policy(
    413,
    false,
    EXIT.failed,
    "Set `depth: 1`, or leave it out and have the agent fetch the part that it needs.",
  ),
  repository_path_taken: policy(
    409,
    false,
    EXIT.conflict,
    "Give the repository another `path`, or move what is there.",
  ),

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
  needs_api_key: policy(
    501,
    false,
    EXIT.auth,
    "Set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN instead of CLAUDE_CODE_OAUTH_TOKEN.",
  ),
  model_auth_failed: policy(
    502,
    false,
    EXIT.auth,
    "The model API refused the deployment's credential. Set a valid one.",
  ),
  model_unreachable: policy(
    502,
    true,
    EXIT.retryLater,
    "Look at ANTHROPIC_BASE_URL, and whether the model API is up; then try again.",
  ),
  model_rate_limited: policy(503, true, EXIT.retryLater, "Wait and send the prompt again."),
  model_overloaded: policy(503, true, EXIT.retryLater, "Wait and send the prompt again."),
  model_not_found: policy(502, false, EXIT.failed, "Choose a model this credential may use."),
  model_invalid_request: policy(502, false, EXIT.failed),
  model_refused: policy(422, false, EXIT.failed, "Rephrase the prompt."),
  model_error: policy(502, true, EXIT.retryLater, "Send the prompt again."),
  max_turns: policy(422, false, EXIT.failed, "Raise options.maxTurns, or continue the session."),
  max_budget: policy(422, false, EXIT.failed, "Raise options.maxBudgetUsd in a new session."),
  interrupted: policy(409, false, EXIT.interrupted),

  internal: policy(500, true, EXIT.failed),
} as const satisfies Record<string, ErrorPolicy>;

/** A stable name for what went wrong: branch on it, not on the message. */
export type ErrorCode = keyof typeof ERRORS;

/** True when this version knows the code. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERRORS, code);
}

/** What follows from a code; a code from a newer version counts as `internal`. */
export function errorPolicy(code: string): ErrorPolicy {
  return isErrorCode(code) ? ERRORS[code] : ERRORS.internal;
}

/** Builds the wire form of an error from its code; the table supplies the rest, a known `details.reason` its own way out. */
export function wireError(
  code: ErrorCode,
  message: string,
  details?: Record<string, unknown>,
): WireError {
  const known = code === "container_unavailable" ? suggestionFor(details?.reason) : undefined;
  const suggestion = known && { suggestion: known };
  return withPolicy(code, { ...ERRORS[code], ...suggestion }, message, details);
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

/** The only mark of the platform's error for a database that is full. */
const SQLITE_FULL = /database or disk is full/;

/** Reads an {@link EdgeError} off anything thrown, also one whose class was lost on the way. */
export function toWireError(thrown: unknown): WireError {
  if (thrown instanceof Error && "code" in thrown && isErrorCode(thrown.code)) {
    const details = "details" in thrown ? (thrown.details as Record<string, unknown>) : undefined;
    return wireError(thrown.code, thrown.message, details ?? undefined);
  }
  if (thrown instanceof Error && SQLITE_FULL.test(thrown.message)) {
    return wireError("storage_full", "The object that stores this is full.");
  }
  return wireError("internal", "Something went wrong inside the deployment.");
}
