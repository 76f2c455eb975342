import {
  isRequest,
  isRequestList,
  REQUESTS_FOR_PEOPLE,
  type NetworkAnswer,
  type RequestResource,
  type RequestStatus,
} from "@claude-edge/protocol/wire";

import type { CallOptions } from "./call-options.js";
import type { PermissionAnswer } from "./callbacks/types.js";
import { parseAnswer } from "./parse-answer.js";
import type { Transport } from "./transport.js";

/** What waits for an answer, wherever it was asked: an approval can be given days later, from any program. */
export class Requests {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * The account's requests, oldest first: permissions, questions and hosts to reach that wait for an answer, of all
   * sessions. With `kind: "any"` those too that programs answer: hooks, MCP messages, elicitations.
   */
  async list({
    sessionId,
    status = "pending",
    kind,
    signal,
  }: {
    sessionId?: string | undefined;
    status?: RequestStatus | "any";
    kind?: "any" | undefined;
  } & CallOptions = {}): Promise<RequestResource[]> {
    const path = sessionId === undefined ? "" : `/sessions/${encodeURIComponent(sessionId)}`;
    const query = new URLSearchParams(status === "any" ? {} : { status });
    const all: RequestResource[] = [];
    for (;;) {
      const answer = await this.#transport.json(`/v1${path}/requests?${query}`, { signal });
      const { requests } = parseAnswer(isRequestList, answer);
      if (requests.length === 0) return all;
      all.push(
        ...requests.filter((request) => kind === "any" || REQUESTS_FOR_PEOPLE.has(request.kind)),
      );
      query.set("after", requests.at(-1)!.id);
    }
  }

  /** One request, with its answer if there is one. @throws ApiError `request_not_found`. */
  async retrieve(id: string, { signal }: CallOptions = {}): Promise<RequestResource> {
    const answer = await this.#transport.json(`/v1/requests/${encodeURIComponent(id)}`, { signal });
    return parseAnswer(isRequest, answer);
  }

  /**
   * Answers a request; the first answer counts. For a permission or question as {@link PermissionAnswer}, for a
   * host as {@link NetworkAnswer}, for another kind what its callback would have given.
   * @throws ApiError `request_not_found`, `request_resolved`.
   */
  async answer(
    id: string,
    answer: PermissionAnswer | NetworkAnswer | Record<string, unknown>,
    {
      by,
      signal,
      idempotencyKey = crypto.randomUUID(),
    }: { by?: string | undefined } & CallOptions = {},
  ): Promise<RequestResource> {
    const path = `/v1/requests/${encodeURIComponent(id)}`;
    const body = { answer, by };
    const request = { method: "POST", body, signal, idempotencyKey } as const;
    return parseAnswer(isRequest, await this.#transport.json(path, request));
  }
}
