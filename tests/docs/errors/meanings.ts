import type { ErrorCode } from "@claude-edge/protocol";

/** What has happened when an error has this code, in a sentence or two. */
export const MEANINGS: Record<ErrorCode, string> = {
  // A client raises these; some come from a deployment too.
  invalid_request: "A field is missing, unknown or of the wrong kind. The message names it.",
  protocol_mismatch:
    "Client and deployment, or Worker and container, are more than one protocol version apart.",
  unauthorized: "There was no key, or it is wrong, expired or revoked.",
  session_not_found:
    "The account has no session of this id. It may have been deleted, have expired, or belong to another account.",
  output_invalid:
    "The turn had a schema for its output, and the agent gave nothing that fits it. `details.last_text` is what the model said last.",
  turn_failed:
    "The Agent SDK ended the turn with an error that has no code of its own. The message has its words.",
  connection_failed:
    "No connection was made, or it broke before a whole answer had come. What the deployment did is not known.",
  timeout: "A connection, an answer, a stream or all of a call took longer than the client allows.",
  stream_interrupted: "A stream broke and could not be resumed. The turn is not affected.",
  protocol_error:
    "Something answered that is not a claude-edge deployment, or the stream broke its own rules.",
  aborted: "The program's own signal ended the call, or Ctrl-C the command. A turn continues.",
  no_url: "The client or the CLI does not know which deployment to talk to.",
  webhook_invalid:
    "A request that `verifyWebhook` was given is not a webhook of the deployment: its headers, time or signature are wrong.",
  option_refused:
    "`query()` was given an option that cannot go over the network. The message has the reason; [Parity](parity.md) lists all of them.",
  package_missing: "A package that this feature needs is not installed. The message names it.",

  // The CLI and the local stack.
  usage: "The command was called in a way that it does not understand. `--help` shows how to.",
  node_too_old: "This Node.js is too old for the CLI.",
  project_not_found: "There is no project in this folder.",
  config_unusable: "The CLI's own configuration file cannot be read.",
  profile_not_found: "No deployment is saved under this name.",
  cloudflare_login: "wrangler is not logged in to Cloudflare.",
  worker_not_found: "Cloudflare has no Worker of this project's name.",
  wrangler_failed: "wrangler ended with an error. Its words are above.",
  version_mismatch: "The packages of the project are of different versions.",
  secret_missing: "`deploy` needs a secret that is not set, and there is no terminal to ask in.",
  deployment_not_ready: "It is deployed, but the agent did not answer in time.",
  dev_running: "`claude-edge dev` already runs for this folder.",
  name_collision:
    "Two files have names that this disk takes for the same one, upper and lower case for example.",
  port_in_use: "Another program listens on this port.",
  files_exist:
    "Files are in the way of what `init` or `files pull` would write. The message lists them.",
  image_build_failed: "Docker could not build the project's image.",
  docker_unavailable: "Docker is not installed, or its daemon does not run.",

  // The feed and webhooks.
  too_many_readers: "Too many streams read the account's feed at the same time.",
  webhook_not_found: "The account has no webhook of this id.",
  webhook_url_refused: "The address is not a public `https://` one.",
  too_many_webhooks: "The account has as many webhooks as it may have.",
  delivery_not_found: "The webhook has no delivery of this id, or it is too old.",

  // A request that cannot be taken.
  invalid_json: "The body is not JSON.",
  unsupported_media_type: "The body has another content type than the route takes.",
  prompt_empty: "The prompt has no visible character.",
  prompt_too_long: "The prompt is larger than 1 MiB.",
  body_too_large: "The body is larger than the route takes.",
  body_too_slow: "The body did not arrive in time.",
  path_too_long: "Path and query are too long.",
  headers_too_large: "The headers together are too large.",

  // Who is asking.
  not_configured:
    "The deployment has no root key, so it serves nothing but its health and its OpenAPI document.",
  forbidden:
    "The token is valid and may not do this: another account, session or request, or a scope that it lacks. `details` says which.",

  // What is asked for.
  account_erasing: "The account is being erased.",
  account_not_found: "Nothing is stored for an account of this name, or it has been erased.",
  not_found: "There is no such route.",
  method_not_allowed: "The route exists, with other methods.",
  turn_not_found: "The session has no turn of this id.",
  message_not_found: "The session has no message of this id at which it could be forked.",
  request_not_found: "The account has no request of this id.",
  session_exists: "A session of this id already exists.",
  file_not_found: "The workspace has no file of this path, or had none at that time.",
  checkpoint_not_found: "The session has no such checkpoint, or it is not kept any more.",
  path_invalid: "The path leads out of the workspace, or cannot be one.",
  not_a_file: "A folder, a link or something else stands where a file was expected.",
  not_a_directory: "A file stands where a folder was expected.",
  file_changed:
    "Somebody else has written the file since it was read, or it exists and should not.",
  range_not_satisfiable: "The range lies outside of the file.",
  file_too_large: "A file, or a tar, is larger than an upload may be.",
  upload_cut: "An upload broke off.",
  tar_invalid: "The body is not a tar, or has entries that lead out of the workspace.",
  storage_full:
    "The object that stores a session or an account is nearly full, or the session has as many files as it may have without R2.",
  file_damaged: "A file's stored bytes are not those that were written.",
  workspace_too_large: "The workspace has more files than are kept.",
  disk_full: "The container's disk is full.",
  workspace_unavailable: "The session's files could not be brought into its container.",
  idempotency_conflict: "The same `Idempotency-Key` was sent with a different request.",
  request_resolved: "The request has an answer already, or needs none any more.",
  queue_full: "As many turns of the account wait as may wait.",
  version_skew: "Parts of two versions met during a deploy and do not understand each other.",
  overloaded: "A Durable Object has more to do than it can.",
  rate_limited: "The account has sent more requests in this minute than it may.",
  session_busy: "The session has too many open readers or uploads.",
  too_many_sessions: "The account has as many sessions as it may have.",
  budget_spent: "The account has spent its budget of dollars or tokens for this day (UTC).",
  secret_name_refused: "A secret cannot have this name.",
  secret_hosts_invalid: "The secret's hosts are missing, too many, or not names of hosts.",
  secret_value_invalid: "The secret's value has characters that cannot go where it would be put.",
  secret_too_large: "The secret's value is too large.",
  secret_not_found: "There is no secret of this name in this scope.",
  too_many_secrets: "There are as many secrets in this scope as there may be.",
  secret_unreadable:
    "A secret was sealed with a root key that the deployment does not have any more.",
  network_denied:
    "A network policy does not allow a host. The message says which policy, and what to set in it.",
  network_too_wide:
    "An account's network policy would allow hosts that the deployment's denies. `details.hosts` lists them.",
  setting_invalid:
    "A variable of the deployment has a value that cannot be read. The message names it.",
  jurisdiction_changed:
    "The deployment's jurisdiction is not the one that its data was stored under.",

  // The container and what runs in it.
  container_unavailable:
    "No container could be started, or it does not answer. `details.reason` says why: [below](#why-there-is-no-container).",
  container_lost:
    "The container ended in mid-turn, and the turn could not be resumed without running a tool twice. `details` says which tools had finished. See [Durability](durability.md#turns-that-lose-their-container).",
  container_full: "The container has no memory for another process.",
  turn_running: "The session has an open turn, and what was asked for has to wait for its end.",
  agent_start_failed: "The Agent SDK's process did not start. The message has its words.",
  agent_exited: "The Agent SDK's process ended in mid-turn.",

  // Repositories.
  repository_not_found:
    "The host has no such repository, or does not show it without a credential.",
  repository_unauthorized: "The host refused the credential.",
  repository_ref_not_found: "The repository has no such branch, tag or commit.",
  repository_unreachable: "The host cannot be reached from the container.",
  repository_too_large: "The repository is larger than a workspace may be.",
  repository_path_taken: "Something is in the workspace where the repository should go.",

  control_failed: "The Agent SDK refused a method of its `Query`. The message has its words.",
  caller_gone: "The program whose hook or tool the agent needs is not connected any more.",

  // How a turn can fail.
  model_not_configured: "The deployment has no credential for the model.",
  needs_api_key: "This call of the Messages API does not work with a `CLAUDE_CODE_OAUTH_TOKEN`.",
  model_auth_failed: "The model's API refused the deployment's credential.",
  model_unreachable: "The model's API cannot be reached.",
  model_rate_limited: "The model's API has limited the rate of the deployment's credential.",
  model_overloaded: "The model's API is overloaded.",
  model_not_found: "The model's API does not know the model.",
  model_invalid_request: "The model's API refused the request. The message has its words.",
  model_refused: "The model refused to answer.",
  model_error: "The model's API failed in another way.",
  max_turns: "The agent made as many model calls as `maxTurns` allows.",
  max_budget: "The session has cost as much as `maxBudgetUsd` allows.",
  interrupted: "Somebody stopped the turn.",

  internal:
    "Something went wrong inside the deployment. Its log has the error, under the answer's `request_id`.",
};
