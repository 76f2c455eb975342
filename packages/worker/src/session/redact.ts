import { EdgeError, type ControlMethod, type SessionOptions } from "@claude-edge/protocol";

import { assertShallow } from "../json-depth.js";

/** The placeholder for a value that may be a credential. */
const REDACTED = "***";

/** Returns the replacement of a secret. */
type Hide = (secret: string) => string;
type Json = Record<string, unknown>;

/** Options that may hold credentials, and how to redact each value or each of its entries. */
const REDACTORS: Record<string, (entry: unknown, hide: Hide) => unknown> = {
  mcpServers: redactServer,
  agents: redactAgent,
  env: hideAll,
  settings: redactSettings,
  managedSettings: redactSettings,
  sandbox: redactSettings,
};
const KEYED_BY_NAME = new Set(["mcpServers", "agents"]);

/** Fields of an MCP server that stay visible, besides the names of headers and variables and the URL's origin. */
const VISIBLE_SERVER_FIELDS = new Set([
  "type",
  "name",
  "command",
  "tools",
  "timeout",
  "alwaysLoad",
]);

/** Settings whose value is a command that prints a credential, such as `echo sk-…`. */
const CREDENTIAL_COMMAND = /(Helper|Refresh|Export)$/;

/** User and password in a URL, as of a proxy. */
const URL_USER = /^(\w+:\/\/)([^/?#]*)@/;

const redacted: Hide = () => REDACTED;

/** Redacts options for callers: names stay, values that may be credentials are replaced. */
export function redactOptions(options: SessionOptions): SessionOptions {
  return mapEntries(options, (option, entry) => REDACTORS[option]!(entry, redacted));
}

/**
 * Restores redacted values in a caller's options. An entry that was sent back unchanged keeps its stored values. A
 * changed entry must include its values: otherwise a caller could redirect the session's credentials to another server.
 * @throws EdgeError `invalid_request` for a placeholder in a changed or unknown entry.
 */
export function restoreOptions(given: SessionOptions, stored: SessionOptions = {}): SessionOptions {
  return mapEntries(given, (option, entry, name) => {
    let isRedacted = false;
    REDACTORS[option]!(entry, (secret) => {
      isRedacted ||= secret === REDACTED;
      return secret;
    });
    if (!isRedacted) return entry;
    const all: unknown = stored[option as keyof SessionOptions];
    const named = name !== undefined && isObject(all) && Object.hasOwn(all, name);
    const own = name === undefined ? all : named && all[name];
    if (own && isSameJson(REDACTORS[option]!(own, redacted), entry)) return own;
    const where = name === undefined ? option : `${option}.${name}`;
    const message = `options.${where}: "${REDACTED}" stands for a value that is not shown. Send the entry unchanged to keep its values, or with all of them.`;
    throw new EdgeError("invalid_request", message);
  });
}

/** Restores redacted values in the arguments of `setMcpServers`. @throws EdgeError as {@link restoreOptions}. */
export function restoreArgs(
  method: ControlMethod,
  args: unknown[],
  stored: SessionOptions,
): unknown[] {
  const [servers, ...rest] = args;
  if (method !== "setMcpServers" || !isObject(servers)) return args;
  const { mcpServers } = restoreOptions({ mcpServers: servers } as SessionOptions, stored);
  return [mcpServers, ...rest];
}

/** Redacts the configuration of MCP servers in a control method's result. */
export function redactAnswer(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(redactAnswer);
  if (!isObject(answer)) return answer;
  const { name, status, config } = answer;
  const isServer = typeof name === "string" && typeof status === "string" && isObject(config);
  return mapValues(answer, (value, key) =>
    isServer && key === "config" ? redactServer(value, redacted) : redactAnswer(value),
  );
}

function mapEntries(
  options: SessionOptions,
  change: (option: string, entry: unknown, name?: string) => unknown,
): SessionOptions {
  return mapValues(options, (value, option) => {
    if (!Object.hasOwn(REDACTORS, option)) return value;
    if (!KEYED_BY_NAME.has(option) || !isObject(value)) return change(option, value);
    return mapValues(value, (entry, name) => change(option, entry, name));
  });
}

function redactServer(server: unknown, hide: Hide): unknown {
  if (!isObject(server)) return hideAll(server, hide);
  return mapValues(server, (value, key) => {
    if (VISIBLE_SERVER_FIELDS.has(key)) return value;
    return key === "url" && typeof value === "string"
      ? hideInUrl(value, hide)
      : hideAll(value, hide);
  });
}

/** An agent lists servers: each is the name of a session's server, or an object of its own servers by name. */
function redactAgent(agent: unknown, hide: Hide): unknown {
  if (!isObject(agent) || !Array.isArray(agent.mcpServers)) return agent;
  const mcpServers = agent.mcpServers.map((listed: unknown) =>
    isObject(listed) ? mapValues(listed, (server) => redactServer(server, hide)) : listed,
  );
  return { ...agent, mcpServers };
}

/** Settings are an object, its JSON, or the path of a file. */
function redactSettings(settings: unknown, hide: Hide): unknown {
  if (typeof settings !== "string") return hideCredentials(settings, hide);
  if (settings === REDACTED) return hide(settings);
  if (!settings.trimStart().startsWith("{")) return settings;
  const parsed = parseObject(settings);
  return parsed ? JSON.stringify(hideCredentials(parsed, hide)) : hide(settings);
}

/** Redacts values whose name marks a credential, and credentials in URLs. */
function hideCredentials(value: unknown, hide: Hide, key = ""): unknown {
  if (key === "env" || key === "headers" || CREDENTIAL_COMMAND.test(key)) {
    return hideAll(value, hide);
  }
  if (typeof value === "string") {
    if (key === "url") return hideInUrl(value, hide);
    return value.replace(
      URL_USER,
      (_match, scheme: string, user: string) => `${scheme}${hide(user)}@`,
    );
  }
  if (Array.isArray(value)) return value.map((item) => hideCredentials(item, hide));
  return isObject(value)
    ? mapValues(value, (item, name) => hideCredentials(item, hide, name))
    : value;
}

/** Redacts every string. */
function hideAll(value: unknown, hide: Hide): unknown {
  if (typeof value === "string") return hide(value);
  if (Array.isArray(value)) return value.map((item) => hideAll(item, hide));
  return isObject(value) ? mapValues(value, (item) => hideAll(item, hide)) : value;
}

/** Redacts all of a URL but its origin: services put tokens into the user, the path or the query. */
function hideInUrl(text: string, hide: Hide): string {
  const { protocol, host } = URL.canParse(text) ? new URL(text) : { protocol: "", host: "" };
  if (host === "") return hide(text);
  const start = `${protocol}//${host}/`;
  if (text === start || `${text}/` === start) return text;
  return start + hide(text.startsWith(start) ? text.slice(start.length) : text);
}

/** Undefined for anything but an object, and for one that is nested too deep to walk. */
function parseObject(text: string): Json | undefined {
  try {
    assertShallow(text);
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Compares as JSON, ignoring the order of keys. */
function isSameJson(left: unknown, right: unknown): boolean {
  const sorted = (_key: string, value: unknown) =>
    isObject(value)
      ? Object.fromEntries(
          Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)),
        )
      : value;
  return JSON.stringify(left, sorted) === JSON.stringify(right, sorted);
}

const mapValues = <Of extends object>(
  of: Of,
  change: (value: unknown, key: string) => unknown,
): Of =>
  Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value, key)])) as Of;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
