import type { ClaudeEdge, TokenResource } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";
import { TOKEN_ID } from "@claude-edge/protocol/wire";

import { writeJson, type Context } from "../context.js";
import { connect, type TargetFlags } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";
import { findByShortId, isShortId } from "../terminal/short-id.js";

export interface RevokeTokenFlags extends TargetFlags {
  unlisted?: boolean;
  json?: boolean;
}

/** `claude-edge tokens revoke`. Gives the exit code. */
export async function revokeToken(
  given: string,
  flags: RevokeTokenFlags,
  context: Context,
): Promise<number> {
  const { stdout, stderr, signal } = context;
  const edge = connect(flags, context);
  // What is no id at all, a token above all, the client refuses without repeating it.
  const isListed = !flags.unlisted && TOKEN_ID.test(given);
  const id = isListed ? (await find(edge, given, signal)).id : given;
  const token = await edge.tokens.revoke(id, { signal });
  stderr.write(`revoked: ${token.id}${token.name ? ` (${oneLine(token.name)})` : ""}\n`);
  if (flags.json) await writeJson(stdout, token);
  return EXIT.ok;
}

/** Whoever revokes a token that is not there would take another, which goes on, for revoked. */
async function find(edge: ClaudeEdge, given: string, signal: AbortSignal): Promise<TokenResource> {
  const known: TokenResource[] = [];
  for await (const token of edge.tokens.list({ signal })) known.push(token);
  const found = isShortId(given)
    ? findByShortId(given, known, "tokens")
    : known.find(({ id }) => id === given);
  if (found) return found;
  const message = `The account has no token ${oneLine(given)}: --account names another; --unlisted revokes one that a backend minted.`;
  throw new EdgeError("not_found", message);
}
