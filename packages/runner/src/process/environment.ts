import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { TRACES_HOST } from "@claude-edge/protocol/runner";

import { CONTAINER_MARK } from "../processes.js";

/** The folders one session owns. */
export interface SessionFolders {
  /** What the agent sees as its working directory; the same path in every container. */
  workspace: string;
  home: string;
  config: string;
  temp: string;
}

export interface RunnerFolders {
  workspaces: string;
  state: string;
}

/** Creates the folders of a session that are missing. */
export async function makeSessionFolders(
  { workspaces, state }: RunnerFolders,
  id: string,
): Promise<SessionFolders> {
  const folders = {
    workspace: join(workspaces, id),
    home: join(state, id, "home"),
    config: join(state, id, "config"),
    temp: join(state, id, "tmp"),
  };
  await Promise.all(Object.values(folders).map((path) => mkdir(path, { recursive: true })));
  return folders;
}

/** Removes the copy of the transcript that a session's process keeps in its own folder. */
export async function removeTranscriptCopy({
  config,
}: Pick<SessionFolders, "config">): Promise<void> {
  await rm(join(config, "projects"), { recursive: true, force: true });
}

/** Marks the processes of a session: children of children carry it too, whatever group they put themselves in. */
export const SESSION_MARK = "CLAUDE_EDGE_SESSION";

/**
 * What all processes of a session carry that run in this container. While this one drains, the next may have others of
 * the same session; as local processes both are seen from here.
 */
export function sessionMarks(id: string): Record<string, string> {
  const container = process.env[CONTAINER_MARK];
  return {
    [SESSION_MARK]: id,
    ...(container === undefined ? {} : { [CONTAINER_MARK]: container }),
  };
}

/** The part of the runner's environment that the agent inherits: how to find programs, the model and the network. */
const INHERITED = [
  "PATH",
  "LANG",
  "LC_ALL",
  "TZ",
  "SHELL",
  "USER",
  "IS_SANDBOX",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "NODE_USE_ENV_PROXY",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "ANTHROPIC_BASE_URL",
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "CLAUDE_CODE_OAUTH_TOKEN",
  // Which container and stack this is, where containers are local processes.
  CONTAINER_MARK,
  "CLAUDE_EDGE_STACK",
];

/**
 * What has a `claude` process tell of its spans, where the deployment has a collector. The gateway puts them into the trace
 * of their turn, and adds the credential.
 */
function tracing(): Record<string, string> {
  if (process.env.CLAUDE_EDGE_TRACES !== "1") return {};
  return {
    CLAUDE_CODE_ENABLE_TELEMETRY: "1",
    CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: "1",
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "none",
    OTEL_LOGS_EXPORTER: "none",
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://${TRACES_HOST}/v1/traces`,
  };
}

/**
 * The environment of a session's `claude` process, complete: nothing else is inherited.
 * @param certificates The variables that name the certificates to trust.
 * @param extra The agent's own.
 */
export function agentEnvironment(
  id: string,
  folders: SessionFolders,
  certificates: Record<string, string>,
  extra: Record<string, string> | undefined,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return {
    ...env,
    ...certificates,
    ...tracing(),
    ...extra,
    [SESSION_MARK]: id,
    HOME: folders.home,
    CLAUDE_CONFIG_DIR: folders.config,
    CLAUDE_CODE_TMPDIR: folders.temp,
    // The default of 10 makes a refused key hang for over a minute; 2 gives up in about 2 s.
    CLAUDE_CODE_MAX_RETRIES: "2",
    // Makes the binary's runtime collect garbage more eagerly. Measured over 60 short turns: 100 MB of private memory
    // instead of 120 after the first turn, 144 instead of 175 after the last, for a tenth more CPU.
    BUN_GC_TIMER_INTERVAL: "100",
    // By them the runner knows when nothing follows a task any more.
    CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: "1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_ERROR_REPORTING: "1",
  };
}
