import type { RequestStatus } from "@claude-edge/client";
import { EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { requestTable } from "../requests/table.js";
import { connect, type TargetFlags } from "../target/target.js";

export interface ListRequestsFlags extends TargetFlags {
  session?: string;
  status: RequestStatus | "any";
  json?: boolean;
}

/** `claude-edge requests list`. Gives the exit code. */
export async function listRequests(flags: ListRequestsFlags, context: Context): Promise<number> {
  const { session: sessionId, status, json } = flags;
  const { stdout, stderr, signal } = context;
  const kind = json ? "any" : undefined;
  const edge = connect(flags, context);
  const requests = await edge.requests.list({ sessionId, status, kind, signal });
  if (json) {
    for (const request of requests) await writeJson(stdout, request);
    return EXIT.ok;
  }
  if (requests.length === 0) {
    stderr.write(status === "pending" ? "nothing waits for an answer\n" : "no requests\n");
    return EXIT.ok;
  }
  await write(stdout, requestTable(requests, { now: Date.now(), width: stdout.columns }));
  return EXIT.ok;
}
