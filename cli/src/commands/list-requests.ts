import type { ClaudeEdge, RequestStatus } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { followRequests } from "../requests/follow.js";
import { requestTable } from "../requests/table.js";
import { connect, type TargetFlags } from "../target/target.js";

export interface ListRequestsFlags extends TargetFlags {
  session?: string;
  status: RequestStatus | "any";
  json?: boolean;
  follow?: boolean;
}

/** `claude-edge requests list`. Gives the exit code. */
export async function listRequests(flags: ListRequestsFlags, context: Context): Promise<number> {
  const { session: sessionId, status, json, follow } = flags;
  const { stdout, stderr, signal } = context;
  const kind = json ? "any" : undefined;
  const edge = connect(flags, context);
  if (follow) return followAll(edge, flags, context);
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

/** Prints what waits, and what is made or resolved from then on, until Ctrl-C. */
async function followAll(
  edge: ClaudeEdge,
  { session: sessionId, status, json }: ListRequestsFlags,
  { stdout, signal }: Context,
): Promise<number> {
  if (status !== "pending") {
    throw new EdgeError("usage", "--follow shows each change of a request: leave --status out.");
  }
  let isFirst = true;
  for await (const request of followRequests(edge, { sessionId, signal })) {
    if (json) {
      await writeJson(stdout, request);
      continue;
    }
    const table = requestTable([request], { now: Date.now(), width: stdout.columns });
    await write(stdout, isFirst ? table : table.slice(table.indexOf("\n") + 1));
    isFirst = false;
  }
  return EXIT.ok;
}
