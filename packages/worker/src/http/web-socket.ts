/** Whether a request wants to become a WebSocket. */
export const isUpgrade = (headers: Headers): boolean =>
  headers.get("upgrade")?.toLowerCase() === "websocket";

/** The subprotocols that a request for a WebSocket offers. */
export const protocolsOf = (headers: Headers): string[] =>
  (headers.get("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim());
