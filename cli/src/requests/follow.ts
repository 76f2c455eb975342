import { ClaudeEdgeError, type ClaudeEdge, type RequestResource } from "@claude-edge/client";

interface FollowOptions {
  sessionId?: string | undefined;
  signal: AbortSignal;
}

/** Requests that wait, and then each that is made or resolved, as the account's feed tells of it. Without end. */
export async function* followRequests(
  edge: ClaudeEdge,
  { sessionId, signal }: FollowOptions,
): AsyncGenerator<RequestResource> {
  /** Those that were given as waiting. */
  const waiting = new Set<string>();
  for await (const { kind, session_id, request_id } of edge.feed({ signal })) {
    if (kind === "reset") {
      for (const request of await edge.requests.list({ sessionId, signal })) {
        if (waiting.has(request.id)) continue;
        waiting.add(request.id);
        yield request;
      }
    }
    if (request_id === undefined || (sessionId !== undefined && session_id !== sessionId)) continue;
    // Listed already: it was made between the reset and the list.
    if (kind === "request.created" && waiting.has(request_id)) continue;
    const request = await retrieve(edge, request_id, signal);
    if (request?.status === "pending") waiting.add(request_id);
    else waiting.delete(request_id);
    // Resolved by now: that is told by an entry of its own.
    if (request && (request.status === "pending" || kind === "request.resolved")) yield request;
  }
}

/** Undefined for one that went with its session. */
async function retrieve(
  edge: ClaudeEdge,
  id: string,
  signal: AbortSignal,
): Promise<RequestResource | undefined> {
  try {
    return await edge.requests.retrieve(id, { signal });
  } catch (error) {
    if (error instanceof ClaudeEdgeError && error.code === "request_not_found") return undefined;
    throw error;
  }
}
