import { EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { connect, type TargetFlags } from "../target/target.js";
import { humanBytes } from "../terminal/bytes.js";
import { oneLine } from "../terminal/printable.js";
import { inStyle } from "../terminal/style.js";

export interface ShowAccountFlags extends TargetFlags {
  json?: boolean;
}

/** `claude-edge accounts show`. Gives the exit code. */
export async function showAccount(
  name: string,
  { json, ...target }: ShowAccountFlags,
  context: Context,
): Promise<number> {
  const { stdout, signal } = context;
  const account = await connect(target, context).accounts.retrieve(name, { signal });
  if (json) {
    await writeJson(stdout, account);
    return EXIT.ok;
  }
  const { status, sessions, stored_bytes, created_at, last_active_at, erasure } = account;
  const rows: [string, string | undefined][] = [
    ["account", account.name],
    ["status", status],
    ["sessions", String(sessions)],
    ["stored", humanBytes(stored_bytes)],
    ["created", created_at],
    ["active", last_active_at],
    ["erasing since", erasure?.started_at],
    ["tried again", erasure?.error],
  ];
  const lines = rows.flatMap(([label, value]) =>
    value === undefined ? [] : [`${inStyle("dim", label.padEnd(15), stdout)}${oneLine(value)}\n`],
  );
  await write(stdout, lines.join(""));
  return EXIT.ok;
}
