/** Bindings, variables and secrets of a deployment, as its wrangler.jsonc names them. */
export interface Env {
  ACCOUNT: DurableObjectNamespace;
  SESSION: DurableObjectNamespace;
  CONTAINER: DurableObjectNamespace;
  DEPLOYMENT: DurableObjectNamespace;

  /** Bucket for the files of sessions. Without it, they are in the sessions' own storage, up to a limit. */
  FILES?: R2Bucket;

  /** The deployment's key. Without it only `GET /health` is served. */
  CLAUDE_EDGE_ROOT_KEY?: string;
  /** The root key before this one. It opens nothing but secrets that are sealed with it, until each is sealed anew. */
  CLAUDE_EDGE_ROOT_KEY_OLD?: string;
  /**
   * Where objects run and store their data: `eu` or `fedramp`; anywhere by default. It cannot be changed later. The bucket
   * and the containers have settings of their own.
   */
  CLAUDE_EDGE_JURISDICTION?: string;
  /** `account` (default): one container for all sessions of an account. `session`: one each. */
  CLAUDE_EDGE_ISOLATION?: string;
  /** How long an idle container is kept, like `20m` (default), `90s` or `2h`; 6h at most. */
  CLAUDE_EDGE_SLEEP_AFTER?: string;
  /** How long running turns may go on in a container that the platform ends, `14m` by default and at most. */
  CLAUDE_EDGE_DRAIN?: string;
  /** How long tasks in the background may go on after a session's last turn, `1h` by default, a day at most; `0s`: there are none. */
  CLAUDE_EDGE_BACKGROUND?: string;
  /** The size of a container under the scheduling policy `durable_object`, `standard-1` by default. */
  CLAUDE_EDGE_INSTANCE?: string;
  /** `true`: takes a snapshot of a container before it sleeps, under the scheduling policy `durable_object`. */
  CLAUDE_EDGE_SNAPSHOTS?: string;
  /** How long a container may take until its runner answers, `90s` by default. */
  CLAUDE_EDGE_START_TIMEOUT?: string;
  /** How long a turn waits for a container while the platform has none, `10m` by default; then it fails. */
  CLAUDE_EDGE_CAPACITY_PATIENCE?: string;
  /** How long a process is held for a pending approval, `2m` by default; then the turn waits without a process. */
  CLAUDE_EDGE_HOLD?: string;
  /** How long hooks and MCP calls wait for their caller to reconnect, `30s` by default; then they fail. */
  CLAUDE_EDGE_CALLER_GRACE?: string;
  /** Concurrent turns of one account, 1 by default; further ones are queued. */
  CLAUDE_EDGE_MAX_CONCURRENT_TURNS?: string | number;
  /** Queued turns of one account, 100 by default; further ones are refused. */
  CLAUDE_EDGE_MAX_QUEUED_TURNS?: string | number;
  /** Sessions of one account. Unlimited by default, like the next three. */
  CLAUDE_EDGE_MAX_SESSIONS?: string | number;
  /** Requests of one account in a minute. */
  CLAUDE_EDGE_REQUESTS_PER_MINUTE?: string | number;
  /** Tokens of one account in a day, of every kind. Days are in UTC. */
  CLAUDE_EDGE_TOKENS_PER_DAY?: string | number;
  /** US dollars of one account in a day, at list prices. */
  CLAUDE_EDGE_DOLLARS_PER_DAY?: string | number;

  /**
   * What containers reach: a `NetworkPolicy`, as an object or its JSON. By default package registries and the sessions' MCP
   * servers.
   */
  CLAUDE_EDGE_NETWORK?: string | object;
  /**
   * Names that lead to a private address, which policies never allow, as an object or its JSON: `{ "git.corp": "http://10.0.0.5" }`.
   * The policy must allow the name. For `claude-edge serve` within a network of one's own.
   */
  CLAUDE_EDGE_PRIVATE_HOSTS?: string | object;

  /**
   * Webhooks that get the events of all accounts, as an array or its JSON: `[{ "name": "ops", "url": "https://…" }]`, with
   * `types` for some of them alone.
   */
  CLAUDE_EDGE_WEBHOOKS?: string | readonly object[];
  /** The secret that signs them, `whsec_…`; two with a blank between them sign both. */
  CLAUDE_EDGE_WEBHOOK_SECRET?: string;
  /** The pause before a webhook is tried a second time, `5s` by default. It doubles, up to an hour. */
  CLAUDE_EDGE_WEBHOOK_RETRY?: string;

  /** The collector that is sent traces and metrics by OTLP over HTTP, like `https://otel.example.com:4318`. */
  CLAUDE_EDGE_OTLP_ENDPOINT?: string;
  /** Headers for the collector, a secret: `name=value,name=value`, values percent-encoded. */
  CLAUDE_EDGE_OTLP_HEADERS?: string;

  /** The least important level that is logged: `debug`, `info` (default), `warn` or `error`. */
  CLAUDE_EDGE_LOG_LEVEL?: string;
  /** The share of requests without an error that are logged, 0 to 1; all by default. Errors always are. */
  CLAUDE_EDGE_LOG_SAMPLE?: string | number;
  /** `true`: logs may hold prompts, answers and paths. */
  CLAUDE_EDGE_LOG_CONTENT?: string;

  /** How long a session is kept after its last activity, like `30d`. For ever by default. */
  CLAUDE_EDGE_RETENTION?: string;

  /** Limit of a session's files without R2, in MiB, 1024 by default. */
  CLAUDE_EDGE_SQLITE_FILES_MIB?: string | number;

  /** What the object of a session or an account may store, in MiB: the 10 GB of a Durable Object by default. */
  CLAUDE_EDGE_OBJECT_MIB?: string | number;

  /** The dialects (APIs of other systems) to serve, `messages` by default; an empty list turns all off. */
  CLAUDE_EDGE_DIALECTS?: string | readonly string[];

  /** CORS origins, separated by commas, like `https://app.example.com`; `*` allows all. None by default. */
  CLAUDE_EDGE_CORS_ORIGINS?: string | readonly string[];

  /** The model credential. The first that is set is used. */
  ANTHROPIC_API_KEY?: string;
  ANTHROPIC_AUTH_TOKEN?: string;
  CLAUDE_CODE_OAUTH_TOKEN?: string;
  /** The model API's address, `https://api.anthropic.com` by default. */
  ANTHROPIC_BASE_URL?: string;
}
