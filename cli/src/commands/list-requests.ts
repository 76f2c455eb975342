import type { RequestStatus } from "@claude-edge/client";
import { EXIT } from "@claude-edge/protocol/errors";

import { isForPeople } from "../asked.js";
import { write, type Context } from "../context.js";
import { connect } from "../deployment.js";
import { requestTable } from "../request-table.js";

export interface ListRequestsFlags {
  session?: string;
  status: RequestStatus | "any";
  json?: boolean;
  account?: string;
  url?: string;
}

/** `claude-edge requests list`. Gives the exit code. */
export async function listRequests(flags: ListRequestsFlags, context: Context): Promise<number> {
  const { session: sessionId, status, json } = flags;
  const { stdout, stderr, signal } = context;
  const requests = await connect(flags, context).requests.list({ sessionId, status, signal });
  if (json) {
    for (const request of requests) await write(stdout, `${JSON.stringify(request)}\n`);
    return EXIT.ok;
  }
  const rows = requests.filter(isForPeople);
  if (rows.length === 0) {
    stderr.write(status === "pending" ? "nothing waits for an answer\n" : "no requests\n");
    return EXIT.ok;
  }
  await write(stdout, requestTable(rows, { now: Date.now(), width: stdout.columns }));
  return EXIT.ok;
}
