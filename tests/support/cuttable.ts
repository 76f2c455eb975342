import { ClaudeEdge, type ClientOptions } from "@claude-edge/client";

/** A client whose connections can all be cut from outside, as a network does. */
export function cuttableClient(options: ClientOptions): { client: ClaudeEdge; cut: () => void } {
  let controller = new AbortController();
  const client = new ClaudeEdge({
    ...options,
    maxReconnects: 8,
    fetch: (input, init) => {
      const signal = AbortSignal.any([init!.signal!, controller.signal]);
      return fetch(input, { ...init, signal });
    },
  });
  const cut = () => {
    controller.abort();
    controller = new AbortController();
  };
  return { client, cut };
}
