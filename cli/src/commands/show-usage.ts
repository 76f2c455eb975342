import type { UsageFigures, UsageGroup } from "@claude-edge/client";
import { EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { connect, type TargetFlags } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";
import { table } from "../terminal/table.js";

export interface ShowUsageFlags extends TargetFlags {
  by: UsageGroup;
  from?: string;
  to?: string;
  json?: boolean;
}

const HEAD = ["TURNS", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "COST"];

/** `claude-edge usage`. Gives the exit code. */
export async function showUsage(flags: ShowUsageFlags, context: Context): Promise<number> {
  const { by: group, from, to, json } = flags;
  const { stdout, stderr, signal } = context;
  const report = await connect(flags, context).usage({ group, from, to, signal });
  if (json) {
    await writeJson(stdout, report);
    return EXIT.ok;
  }
  const { account, total, groups = [] } = report;
  if (groups.length === 0) {
    stderr.write(`account ${account} has used nothing in that time\n`);
    return EXIT.ok;
  }
  const rows = groups.map((figures) => [oneLine(figures.key), ...cells(figures)]);
  const right = HEAD.map((_, column) => column + 1);
  const lines = [...rows, ["TOTAL", ...cells(total)]];
  await write(stdout, table([group.toUpperCase(), ...HEAD], lines, { right }));
  return EXIT.ok;
}

const cells = (figures: UsageFigures) => [
  String(figures.turns),
  String(figures.input_tokens),
  String(figures.output_tokens),
  String(figures.cache_read_input_tokens),
  String(figures.cache_creation_input_tokens),
  `$${figures.cost_usd.toFixed(4)}`,
];
