import { EdgeError, type SessionOptions } from "@claude-edge/protocol";

import { isLocal, targetOf } from "../egress/target.js";
import type { Env } from "../env.js";
import { privateHosts } from "../settings.js";

/**
 * Hosts of private networks are reached only where the operator names them. Plain HTTP is for those alone: a token in it
 * can be read on the way.
 * @throws EdgeError `invalid_request`.
 */
export function assertRepositories(env: Env, { repositories = [] }: SessionOptions): void {
  for (const [index, { url }] of repositories.entries()) {
    const parsed = new URL(url);
    const { host } = targetOf(parsed);
    if (privateHosts(env).has(host)) continue;
    const where = `options.repositories.${index}.url:`;
    if (isLocal(host)) {
      const message = `${where} ${host} is a host of a private network; no container reaches one that CLAUDE_EDGE_PRIVATE_HOSTS does not name.`;
      throw new EdgeError("invalid_request", message);
    }
    if (parsed.protocol === "https:") continue;
    const message = `${where} must begin with https://; http:// is for hosts of CLAUDE_EDGE_PRIVATE_HOSTS alone.`;
    throw new EdgeError("invalid_request", message);
  }
}
