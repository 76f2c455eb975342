import { EdgeError } from "@claude-edge/protocol";

import { WAYS_OUT, WEB_TOOLS_WAYS_OUT } from "./denial.js";
import { deniedBy, urlDeniedBy, webToolsDeniedBy, type NetworkRules } from "./network-policy.js";
import { patternOf, targetOf } from "./target.js";

/** What the model's API would reach for a call. */
export interface NetworkUses {
  mcpServers: URL[];
  /** Images and documents that are given by their URL. */
  sources: URL[];
  /** Types of server tools. */
  webTools: string[];
}

/** Server tools of the Messages API that reach the web or run code; each version has a date in its type. */
const WEB_TOOL = /^(web_search|web_fetch|code_execution)_/;

/** Fields that hold values and schemas of the client's own tools. */
const OPAQUE = new Set(["input", "input_schema", "input_examples", "schema"]);

type Json = Record<string, unknown>;

/**
 * Finds what a call uses, wherever it stands: tools may also be defined in messages. Puts each URL into its normal form,
 * so that the model's API cannot read another host from it.
 * @throws EdgeError `invalid_request` for a URL that is none.
 */
export function networkUses(call: unknown): NetworkUses {
  const uses: NetworkUses = { mcpServers: [], sources: [], webTools: [] };
  visit(call, "", uses);
  return uses;
}

/** @param key The field that holds the value, or the list that it is in. */
function visit(value: unknown, key: string, uses: NetworkUses): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, key, uses);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const object = value as Json;
  if (key === "mcp_servers") uses.mcpServers.push(...normalUrl(object));
  if (key === "source") uses.sources.push(...normalUrl(object));
  const isTool = key === "tools" || key === "definition";
  if (isTool && typeof object.type === "string" && WEB_TOOL.test(object.type)) {
    uses.webTools.push(object.type);
  }
  for (const [field, inner] of Object.entries(object)) {
    if (!OPAQUE.has(field)) visit(inner, field, uses);
  }
}

function normalUrl(holder: Json): URL[] {
  const { url } = holder;
  if (url === undefined || url === null) return [];
  if (typeof url !== "string" || !URL.canParse(url)) {
    throw new EdgeError("invalid_request", "url: must be a URL.");
  }
  const parsed = new URL(url);
  holder.url = parsed.href;
  return [parsed];
}

/** The refusal of a call that uses what a policy does not allow; undefined when all is allowed. */
export function refusalOf(
  { mcpServers, sources, webTools }: NetworkUses,
  rules: NetworkRules,
): EdgeError | undefined {
  for (const [urls, what, denied] of [
    [mcpServers, "an MCP server", deniedBy],
    [sources, "a source by URL", urlDeniedBy],
  ] as const) {
    for (const url of urls) {
      const level = denied(rules, targetOf(url));
      if (!level) continue;
      const host = patternOf(targetOf(url));
      const message = `${host}, ${what} of this model call, is not reachable: ${WAYS_OUT[level](host, "")}`;
      return new EdgeError("network_denied", message, { host, policy: level });
    }
  }
  const [tool] = webTools;
  const level = tool === undefined ? undefined : webToolsDeniedBy(rules);
  if (!level) return undefined;
  const message = `${tool}, a tool of the model's API, is off: ${WEB_TOOLS_WAYS_OUT[level]}`;
  return new EdgeError("network_denied", message, { tool, policy: level });
}
