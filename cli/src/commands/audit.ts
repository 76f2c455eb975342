import type { AuditEntry } from "@claude-edge/client";
import { EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { connect, type TargetFlags } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";
import { table } from "../terminal/table.js";

export interface AuditFlags extends TargetFlags {
  /** Seconds; `never`: all. */
  since?: number | "never";
  limit?: number;
  json?: boolean;
}

const MAX_TARGET = 60;
const MAX_DETAILS = 100;

/** Rows that a table is made of at once: its columns are as wide as their widest cell. */
const ROWS = 1_000;

const HEAD = ["TIME", "ACTION", "BY", "TARGET", "DETAILS"];

/** `claude-edge audit`. Gives the exit code. */
export async function audit(flags: AuditFlags, context: Context): Promise<number> {
  const { since = "never", limit, json } = flags;
  const { stdout, stderr, signal } = context;
  // The number of an entry is at least its time.
  const after = since === "never" ? 0 : Math.max(0, Date.now() - since * 1_000);
  let rows: string[][] = [];
  let count = 0;
  const print = async () => {
    if (rows.length > 0) await write(stdout, table(HEAD, rows));
    rows = [];
  };
  for await (const entry of connect(flags, context).audit({ after, limit, signal })) {
    count += 1;
    if (json) await writeJson(stdout, entry);
    else rows.push(cells(entry));
    if (rows.length === ROWS) await print();
  }
  await print();
  if (count === 0 && !json) stderr.write("nothing was done\n");
  return EXIT.ok;
}

function cells({ at, action, actor, target, session_id: session, details }: AuditEntry): string[] {
  const more = { ...(session === undefined ? {} : { session }), ...details };
  return [
    new Date(at).toISOString().slice(0, 19).replace("T", " "),
    action,
    actor.type === "token" ? `token ${actor.id}` : actor.type.replace("_", " "),
    oneLine(target, MAX_TARGET),
    Object.keys(more).length === 0 ? "-" : oneLine(JSON.stringify(more), MAX_DETAILS),
  ];
}
