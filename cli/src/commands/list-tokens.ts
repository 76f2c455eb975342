import type { TokenResource } from "@claude-edge/client";
import { EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { connect, type TargetFlags } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";
import { table } from "../terminal/table.js";

export interface ListTokensFlags extends TargetFlags {
  json?: boolean;
}

const MAX_NAME = 40;

/** `claude-edge tokens list`. Gives the exit code. */
export async function listTokens(flags: ListTokensFlags, context: Context): Promise<number> {
  const { stdout, stderr, signal } = context;
  const tokens: TokenResource[] = [];
  for await (const token of connect(flags, context).tokens.list({ signal })) {
    if (flags.json) await writeJson(stdout, token);
    else tokens.push(token);
  }
  if (flags.json) return EXIT.ok;
  if (tokens.length === 0) stderr.write("no tokens\n");
  else await write(stdout, tokenTable(tokens, Date.now()));
  return EXIT.ok;
}

function tokenTable(tokens: TokenResource[], now: number): string {
  const day = (time: string | null | undefined) => time?.slice(0, 10) ?? "-";
  const rows = tokens.map((token) => [
    token.id,
    statusOf(token, now),
    day(token.created_at),
    // Of one that was minted elsewhere it is not known when it ends.
    token.created_at && token.expires_at === null ? "never" : day(token.expires_at),
    token.session_id ?? "-",
    token.name === undefined ? "-" : oneLine(token.name, MAX_NAME),
    token.scopes?.join(" ") ?? "-",
  ]);
  return table(["ID", "STATUS", "CREATED", "EXPIRES", "SESSION", "NAME", "SCOPES"], rows);
}

function statusOf({ revoked_at, expires_at }: TokenResource, now: number): string {
  if (revoked_at !== undefined) return "revoked";
  return expires_at !== null && Date.parse(expires_at) <= now ? "expired" : "active";
}
