import { CLIENT_ERRORS } from "./client-errors.js";
import { EXIT, policy, withPolicy, type ErrorPolicy, type WireError } from "./error-policy.js";
import { suggestionFor } from "./unavailable.js";

export { EXIT, type ErrorPolicy, type WireError } from "./error-policy.js";

/** The one table of errors: status, retryability, exit code and way out of each code. */
export const ERRORS = {
  ...CLIENT_ERRORS,

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
  body_too_large: policy(413, false, EXIT.usage, "Keep the body under 8 MiB."),
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
    "Use the root key, or a token that allows it: whoever holds the root key mints one, `claude-edge tokens create`.",
  ),

  // What is asked for.
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
    'Add R2: in wrangler.jsonc "r2_buckets": [{ "binding": "FILES", "bucket_name": "…" }], then deploy. Or delete sessions.',
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
  rate_limited: policy(429, true, EXIT.retryLater, "Wait as long as `retry-after` says."),
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
  setting_invalid: policy(
    503,
    false,
    EXIT.failed,
    "Mend the variable in wrangler.jsonc, and deploy again.",
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

  // Raised by the CLI and the local stack.
  usage: policy(0, false, EXIT.usage),
  node_too_old: policy(0, false, EXIT.usage, "Install Node.js 22.19 or newer."),
  project_not_found: policy(
    0,
    false,
    EXIT.usage,
    "Run it in the folder that holds wrangler.jsonc, or name that folder.",
  ),
  config_unusable: policy(
    0,
    false,
    EXIT.failed,
    "Mend the file or remove it (`claude-edge login` writes it anew), or set XDG_CONFIG_HOME.",
  ),
  profile_not_found: policy(
    0,
    false,
    EXIT.notFound,
    "`claude-edge login <url> --profile <name>` saves one.",
  ),
  cloudflare_login: policy(
    0,
    false,
    EXIT.auth,
    "Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.",
  ),
  worker_not_found: policy(
    0,
    false,
    EXIT.notFound,
    "Deploy it first: `claude-edge deploy` asks for what it needs.",
  ),
  wrangler_failed: policy(0, false, EXIT.failed, "Mend what wrangler says, and run it again."),
  version_mismatch: policy(
    0,
    false,
    EXIT.failed,
    "Set claude-edge and @claude-edge/* to one version in package.json, and run `npm install`.",
  ),
  secret_missing: policy(
    0,
    false,
    EXIT.auth,
    "Put it into the environment of `claude-edge deploy`, or `claude-edge secrets set <name>`.",
  ),
  deployment_not_ready: policy(
    0,
    true,
    EXIT.retryLater,
    "`npx wrangler containers list` shows how far it is; `claude-edge whoami` tries again.",
  ),
  dev_running: policy(0, false, EXIT.conflict, "Use that one, or stop it first."),
  name_collision: policy(
    0,
    false,
    EXIT.conflict,
    "Rename one of them, or fetch them to a disk that tells them apart.",
  ),
  port_in_use: policy(
    0,
    false,
    EXIT.conflict,
    "Choose another with --port, or --port 0 for any free one.",
  ),

  files_exist: policy(
    0,
    false,
    EXIT.usage,
    "Choose another folder, or have just these files replaced with --force.",
  ),
  image_build_failed: policy(
    0,
    false,
    EXIT.failed,
    "What docker says above tells why; the Dockerfile wants a lock file: install the packages first.",
  ),
  docker_unavailable: policy(
    0,
    false,
    EXIT.failed,
    "Start Docker. Without it, dev runs containers as local processes, and deploy --containers-rollout none leaves them as they are.",
  ),

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

/** Reads an {@link EdgeError} off anything thrown, also one whose class was lost on the way. */
export function toWireError(thrown: unknown): WireError {
  if (thrown instanceof Error && "code" in thrown && isErrorCode(thrown.code)) {
    const details = "details" in thrown ? (thrown.details as Record<string, unknown>) : undefined;
    return wireError(thrown.code, thrown.message, details ?? undefined);
  }
  return wireError("internal", "Something went wrong inside the deployment.");
}
