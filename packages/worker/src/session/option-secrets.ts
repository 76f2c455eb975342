import { EdgeError, MAX_SECRETS, type SessionOptions } from "@claude-edge/protocol";

import { patternOf, targetOf } from "../egress/target.js";
import { checkSecret, isHeaderValue } from "../secrets/check-secret.js";
import { newPlaceholder, PLACEHOLDER_START } from "../secrets/placeholder.js";
import type { SecretToSeal } from "../secrets/secret-store.js";

/** Options as they are stored, and the secrets that were in them. */
export interface SplitOptions {
  /** With placeholders in the place of credentials. */
  options: SessionOptions;
  secrets: SecretToSeal[];
  /** Names of secrets that are taken away. */
  removed: string[];
}

/**
 * Takes the secrets out of options: those of `secrets`, and credentials in the headers of remote MCP servers.
 * @param prefix Begins the names of those credentials, before a colon.
 * @param stored The options of before: a credential at the same place keeps its placeholder, so that a process that holds it
 * goes on with the new value.
 * @throws EdgeError as `checkSecret`, `too_many_secrets`, and `secret_value_invalid` for a credential that cannot be one.
 */
export function splitSecrets(
  session: string,
  given: SessionOptions,
  { prefix = "mcp", stored = {} }: { prefix?: string; stored?: SessionOptions } = {},
): SplitOptions {
  const { secrets: named = {}, ...rest } = given;
  const secrets: SecretToSeal[] = [];
  const removed: string[] = [];
  assertFew("secrets", Object.keys(named).length);
  for (const [name, input] of Object.entries(named)) {
    if (input === null) removed.push(name);
    else secrets.push(checkSecret(name, input, `secrets.${name}.`));
  }
  const before = new Map<string, string>();
  mapCredentials(stored, (value, { name }) => {
    const [placeholder] = placeholderOf(value);
    if (placeholder !== undefined) before.set(name, placeholder);
    return value;
  });
  const options = mapCredentials(rest, (whole, { name: place, header, host }) => {
    // As from a file: Claude Code trims it too, and would send it as it is.
    const value = whole.trim();
    const { scheme, credential } = parse(value);
    if (!isCredential(header, value)) return whole;
    if (host === undefined) {
      throw refusal(place, "goes to a host that a variable names: write the server's URL out");
    }
    if (value.includes("${")) {
      const way = "write it out, it becomes a secret, or name the variable of a secret alone";
      throw refusal(place, `has a variable with a default: ${way}`);
    }
    if (!isHeaderValue(credential)) {
      throw refusal(place, "has line breaks, or other characters than printable ASCII");
    }
    const placeholder = before.get(place) ?? newPlaceholder({ scope: "session", session });
    secrets.push({
      name: `${prefix}:${place}`,
      value: credential,
      hosts: [host],
      places: { header },
      placeholder,
    });
    return scheme + placeholder;
  });
  assertFew("mcpServers: credentials", secrets.length);
  return { options, secrets, removed };
}

const refusal = (place: string, what: string) =>
  new EdgeError("secret_value_invalid", `mcpServers: the header of ${place} ${what}.`);

/** @throws EdgeError `too_many_secrets`. */
function assertFew(what: string, count: number): void {
  if (count <= MAX_SECRETS) return;
  const message = `${what}: ${count} are given; ${MAX_SECRETS} are the most.`;
  throw new EdgeError("too_many_secrets", message, { limit: MAX_SECRETS });
}

/** Where a header of an MCP server stands in options. */
interface HeaderPlace {
  /** Names the place: the server, and the header. */
  name: string;
  header: string;
  /** The server's host, as a pattern; undefined when a variable is in the URL. */
  host: string | undefined;
}

type Json = Record<string, unknown>;
type MapHeader = (value: string, place: HeaderPlace) => string;

/** Options with each header of a remote MCP server, the session's or an agent's, changed. */
function mapCredentials(options: SessionOptions, change: MapHeader): SessionOptions {
  const { mcpServers, agents } = options;
  return {
    ...options,
    ...(mcpServers && { mcpServers: mapServers(mcpServers, "", change) as typeof mcpServers }),
    ...(agents && {
      agents: mapValues(agents, (agent, name) =>
        mapAgent(agent, `${name}/`, change),
      ) as typeof agents,
    }),
  };
}

/** An agent lists names of servers, and objects of servers by name. */
function mapAgent(agent: unknown, path: string, change: MapHeader): unknown {
  if (!isObject(agent) || !Array.isArray(agent.mcpServers)) return agent;
  const mcpServers = agent.mcpServers.map((entry: unknown) =>
    isObject(entry) ? mapServers(entry, path, change) : entry,
  );
  return { ...agent, mcpServers };
}

function mapServers(servers: Json, path: string, change: MapHeader): Json {
  return mapValues(servers, (server, name) => {
    if (!isObject(server) || typeof server.url !== "string" || !isObject(server.headers)) {
      return server;
    }
    const hasVariable = server.url.includes("${");
    const url = URL.parse(server.url.trim());
    if (!hasVariable && !/^https?:$/.test(url?.protocol ?? "")) return server;
    const host = hasVariable ? undefined : patternOf(targetOf(url!));
    if (host !== undefined && LOOPBACK.test(url!.hostname.replace(/\.$/, ""))) return server;
    const headers = mapValues(server.headers, (value, header) => {
      const place = { name: `${path}${name} ${header.toLowerCase()}`, header, host };
      return typeof value === "string" ? change(value, place) : value;
    });
    return { ...server, headers };
  });
}

/** A server within the container, which no gateway is on the way to. */
const LOOPBACK = /^(127\.[\d.]+|0\.0\.0\.0|\[::1?\]|(.+\.)?localhost)$/;

/** A scheme stays where it is: the service may echo the credential without it. */
function parse(value: string): { scheme: string; credential: string } {
  const [, scheme = "", credential = value] =
    /^((?:bearer|basic|token|apikey|api-key|key) +)(.+)$/i.exec(value) ?? [];
  return { scheme, credential };
}

const CREDENTIAL_HEADER = /auth|token|secret|key|cookie|passw|credential|session|signature|pat$/i;

/** A word of at least 20 characters with letters and digits. */
const LOOKS_RANDOM = /^(?=.*\d)(?=.*[A-Za-z])[\w.~+/=-]{20,}$/;

/**
 * Whether a header holds a credential. What holds a placeholder already, or a variable that is put in later, does not, but
 * for one with a default: that may be the credential.
 * Others stay as they are: an answer of the server may hold the same words.
 */
function isCredential(header: string, value: string): boolean {
  if (value.includes(PLACEHOLDER_START)) return false;
  if (value.includes("${") && !value.includes(":-")) return false;
  const { scheme, credential } = parse(value);
  if (credential === "" || /^mcp-/i.test(header)) return false;
  return scheme !== "" || CREDENTIAL_HEADER.test(header) || LOOKS_RANDOM.test(credential);
}

/** The placeholder that a header ends with. */
const placeholderOf = (value: string): string[] => {
  const at = value.indexOf(PLACEHOLDER_START);
  return at < 0 ? [] : [value.slice(at)];
};

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const mapValues = (of: object, change: (value: unknown, key: string) => unknown): Json =>
  Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value, key)]));
