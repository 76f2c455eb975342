import { EXIT } from "@claude-edge/protocol/errors";

import { writeJson, type Context } from "../context.js";
import { connect, type TargetFlags } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";

export interface RevokeTokenFlags extends TargetFlags {
  json?: boolean;
}

/** `claude-edge tokens revoke`. Gives the exit code. */
export async function revokeToken(
  id: string,
  flags: RevokeTokenFlags,
  context: Context,
): Promise<number> {
  const { stdout, stderr, signal } = context;
  const token = await connect(flags, context).tokens.revoke(id, { signal });
  stderr.write(`revoked: ${token.id}${token.name ? ` (${oneLine(token.name)})` : ""}\n`);
  if (token.created_at === undefined) {
    stderr.write(
      `note: account ${token.account} did not mint it. Unless a backend did, check the id and the account.\n`,
    );
  }
  if (flags.json) await writeJson(stdout, token);
  return EXIT.ok;
}
