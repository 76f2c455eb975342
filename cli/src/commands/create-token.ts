import type { Scope } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";
import { SCOPES } from "@claude-edge/protocol/wire";

import { write, writeJson, type Context } from "../context.js";
import { connect, type TargetFlags } from "../target/target.js";
import { printable } from "../terminal/printable.js";

export interface CreateTokenFlags extends TargetFlags {
  scope?: string[];
  /** Seconds. */
  expires?: number | "never";
  session?: string;
  name?: string;
  json?: boolean;
}

/** `claude-edge tokens create`. Gives the exit code. */
export async function createToken(flags: CreateTokenFlags, context: Context): Promise<number> {
  const { scope, expires: expiresIn, session: sessionId, name, json } = flags;
  const { stdout, stderr, signal } = context;
  const scopes = scope && checked(scope);
  const edge = connect(flags, context);
  const minted = await edge.tokens.create({ scopes, expiresIn, sessionId, name, signal });
  if (json) {
    await writeJson(stdout, minted);
    return EXIT.ok;
  }
  const { id, account, expires_at, session_id } = minted;
  const lines = [
    `token ${id} for account ${account}`,
    `  allows: ${minted.scopes.join(", ")}${session_id ? `, in session ${session_id}` : ""}`,
    `  ${expires_at === null ? "never expires" : `expires: ${expires_at}`}`,
    "  it is not shown again",
  ];
  stderr.write(`${lines.map(printable).join("\n")}\n`);
  await write(stdout, `${minted.token}\n`);
  return EXIT.ok;
}

/** @throws EdgeError `usage`. */
function checked(scopes: string[]): Scope[] {
  const isScope = (scope: string): scope is Scope => (SCOPES as readonly string[]).includes(scope);
  const known = scopes.filter(isScope);
  if (known.length === scopes.length && known.length > 0) return known;
  const unknown = scopes.find((scope) => !isScope(scope)) ?? "";
  const message = `--scope: there is no scope ${JSON.stringify(unknown)}; there are ${SCOPES.join(", ")}.`;
  throw new EdgeError("usage", message);
}
