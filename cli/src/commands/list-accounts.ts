import type { AccountResource } from "@claude-edge/client";
import { EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { connect, type TargetFlags } from "../target/target.js";
import { humanBytes } from "../terminal/bytes.js";
import { duration } from "../terminal/duration.js";
import { table } from "../terminal/table.js";

export interface ListAccountsFlags extends TargetFlags {
  limit: number;
  all?: boolean;
  json?: boolean;
}

const HEAD = ["SESSIONS", "STORED", "STATUS", "ACTIVE", "NAME"];

/** `claude-edge accounts list`. Gives the exit code. */
export async function listAccounts(flags: ListAccountsFlags, context: Context): Promise<number> {
  const { stdout, stderr, signal } = context;
  const limit = flags.all ? Infinity : flags.limit;
  const accounts: AccountResource[] = [];
  let count = 0;
  // One more than is shown, to know whether there are more.
  for await (const account of connect(flags, context).accounts.list({ limit: limit + 1, signal })) {
    count += 1;
    if (count > limit) break;
    if (flags.json) await writeJson(stdout, account);
    else accounts.push(account);
  }
  if (accounts.length > 0) await write(stdout, accountTable(accounts, stdout.columns));
  if (count === 0) stderr.write("no accounts yet: the first prompt makes one\n");
  if (count > limit) {
    stderr.write(`note: these are the ${limit} last used; --limit <number> or --all shows more\n`);
  }
  return EXIT.ok;
}

function accountTable(accounts: AccountResource[], width: number | undefined): string {
  const now = Date.now();
  const rows = accounts.map(({ name, status, sessions, stored_bytes, last_active_at }) => [
    String(sessions),
    humanBytes(stored_bytes),
    status,
    `${duration(Math.max(now - Date.parse(last_active_at), 0))} ago`,
    name,
  ]);
  return table(HEAD, rows, { width, right: [0, 1] });
}
