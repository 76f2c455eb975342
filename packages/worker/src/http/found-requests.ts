import type { RequestResource } from "@claude-edge/protocol";

import type { IndexedRequest } from "../account/request-index.js";

/** Size limit of a list of requests, in characters: a payload may hold whole files. */
const MAX_LISTED_CHARS = 8 * 1024 * 1024;

/** The requests that an account's index names, in its order: as many as fit into an answer, at least one. */
export async function foundRequests(
  found: readonly IndexedRequest[],
  find: (session: string, ids: string[]) => Promise<RequestResource[]>,
): Promise<RequestResource[]> {
  const resources = new Map<string, RequestResource>();
  await Promise.all(
    [...Map.groupBy(found, ({ session_id }) => session_id)].map(async ([session, rows]) => {
      const ids = rows.map(({ id }) => id);
      for (const request of await find(session, ids)) resources.set(request.id, request);
    }),
  );
  const requests: RequestResource[] = [];
  let chars = 0;
  for (const { id } of found) {
    const request = resources.get(id);
    if (!request) continue;
    chars += JSON.stringify(request).length;
    if (chars > MAX_LISTED_CHARS && requests.length > 0) break;
    requests.push(request);
  }
  return requests;
}
