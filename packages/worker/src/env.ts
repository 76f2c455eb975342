import type { AccountDO } from "./account/account-do.js";
import type { ContainerDO } from "./container-do.js";

/** Bindings, variables and secrets of a deployment, as its wrangler.jsonc names them. */
export interface Env {
  ACCOUNT: DurableObjectNamespace<AccountDO>;
  CONTAINER: DurableObjectNamespace<ContainerDO>;

  /** Where the files of sessions are kept. Without it, in the accounts' own storage, up to a limit. */
  FILES?: R2Bucket;

  /** The deployment's key. Without it only `GET /health` is served. */
  CLAUDE_EDGE_ROOT_KEY?: string;
  /** `account` (default): one container for all sessions of an account. `session`: one each. */
  CLAUDE_EDGE_ISOLATION?: string;
  /** How long a container without work is kept, like `20m` (default), `90s` or `2h`; 6h at most. */
  CLAUDE_EDGE_SLEEP_AFTER?: string;
  /** The size of a container under the scheduling policy `durable_object`, `standard-1` by default. */
  CLAUDE_EDGE_INSTANCE?: string;
  /** `true`: a container that sleeps is kept as a snapshot, under the scheduling policy `durable_object`. */
  CLAUDE_EDGE_SNAPSHOTS?: string;
  /** How long a container may take until its runner answers, `90s` by default. */
  CLAUDE_EDGE_START_TIMEOUT?: string;
  /** How long a process is held for an approval that nobody gives, `2m` by default; then the turn waits without it. */
  CLAUDE_EDGE_HOLD?: string;
  /** How long hooks and MCP calls wait for their caller to come back, `30s` by default; then they fail. */
  CLAUDE_EDGE_CALLER_GRACE?: string;
  /** Turns of one account that run at the same time, 1 by default; the others wait their turn. */
  CLAUDE_EDGE_MAX_CONCURRENT_TURNS?: string | number;
  /** Turns of one account that wait at the same time, 100 by default; more are refused. */
  CLAUDE_EDGE_MAX_QUEUED_TURNS?: string | number;
  /** Sessions of one account. Without it, and so with the next three, there is no limit. */
  CLAUDE_EDGE_MAX_SESSIONS?: string | number;
  /** Requests of one account in a minute. */
  CLAUDE_EDGE_REQUESTS_PER_MINUTE?: string | number;
  /** Tokens of one account in a day, of every kind. Days are in UTC. */
  CLAUDE_EDGE_TOKENS_PER_DAY?: string | number;
  /** US dollars of one account in a day, at list prices. */
  CLAUDE_EDGE_DOLLARS_PER_DAY?: string | number;

  /** How many MiB of files an account may have where there is no R2, 1024 by default. */
  CLAUDE_EDGE_SQLITE_FILES_MIB?: string | number;

  /** The APIs of other systems that are spoken here, `messages` by default; an empty list is none. */
  CLAUDE_EDGE_DIALECTS?: string | readonly string[];

  /** The origins whose pages may ask, like `https://app.example.com`, with commas; `*` is every page. None by default. */
  CLAUDE_EDGE_CORS_ORIGINS?: string | readonly string[];

  /** The model credential: the first that is set is used. */
  ANTHROPIC_API_KEY?: string;
  ANTHROPIC_AUTH_TOKEN?: string;
  CLAUDE_CODE_OAUTH_TOKEN?: string;
  /** The model API's address, `https://api.anthropic.com` by default. */
  ANTHROPIC_BASE_URL?: string;
}
