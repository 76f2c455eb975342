import { readFrames } from "./sse.js";
import { EVENT_STREAM, type Transport } from "./transport.js";

/** A WebSocket is asked whether it lives so often, milliseconds. */
const PING_MS = 30_000;

/** What may stand in a subprotocol: a token may, a root key of base64 may not. */
const SUBPROTOCOL = /^[\w!#$%&'*+.^`|~-]+$/;

/** A reader of the account's feed that waits for one session. */
export interface FeedWait {
  /** Resolves when something has happened in the session, or may have: also when the connection is gone. */
  happened: Promise<void>;
  close(): void;
}

/**
 * Waits at the account's feed for a session: over a WebSocket, which lets the deployment's objects sleep, or over
 * server-sent events where there is none. Resolves when nothing that happens from now on is missed.
 * @throws ClaudeEdgeError when the feed cannot be had.
 */
export async function waitAtFeed(
  transport: Transport,
  session: string,
  signal: AbortSignal,
): Promise<FeedWait> {
  const path = `/v1/feed?session_id=${encodeURIComponent(session)}`;
  return (await overSocket(transport, path, signal)) ?? overStream(transport, path, signal);
}

/** Undefined where a WebSocket cannot be had: it says no more than that. */
async function overSocket(
  { config: { baseURL, token, account, usesOwnFetch } }: Transport,
  path: string,
  signal: AbortSignal,
): Promise<FeedWait | undefined> {
  const { WebSocket } = globalThis as { WebSocket?: typeof globalThis.WebSocket };
  // It sends no headers: neither an account's name nor those that a fetch of the caller's own may add.
  if (!WebSocket || usesOwnFetch || account !== undefined || !SUBPROTOCOL.test(token)) {
    return undefined;
  }
  const protocols = ["claude-edge.feed", `claude-edge.token.${token}`];
  const socket = openSocket(WebSocket, `${baseURL.replace(/^http/i, "ws")}${path}`, protocols);
  if (!socket) return undefined;
  let place: (isPlaced: boolean) => void = () => {};
  let wake: () => void = () => {};
  const placed = new Promise<boolean>((resolve) => (place = resolve));
  const happened = new Promise<void>((resolve) => (wake = resolve));
  let isPlaced = false;
  let isAnswered = true;
  const timer = setInterval(() => {
    if (!isAnswered || socket.readyState !== WebSocket.OPEN) return end();
    isAnswered = false;
    socket.send("ping");
  }, PING_MS);
  const end = () => {
    clearInterval(timer);
    signal.removeEventListener("abort", end);
    place(false);
    wake();
    socket.close();
  };
  socket.addEventListener("message", ({ data }) => {
    isAnswered = true;
    if (data === "pong") return;
    // The first entry says from where the feed is complete.
    if (isPlaced) return end();
    isPlaced = true;
    place(true);
  });
  socket.addEventListener("close", end);
  socket.addEventListener("error", end);
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
  return (await placed) ? { happened, close: end } : undefined;
}

/** Undefined where the runtime forbids it, as browsers do from a page that is safer than the address. */
function openSocket(
  WebSocket: typeof globalThis.WebSocket,
  url: string,
  protocols: string[],
): WebSocket | undefined {
  try {
    return new WebSocket(url, protocols);
  } catch {
    return undefined;
  }
}

async function overStream(
  transport: Transport,
  path: string,
  signal: AbortSignal,
): Promise<FeedWait> {
  const call = { accept: EVENT_STREAM, signal, maxRetries: 0 };
  const { response, close } = await transport.request(path, call);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onWait = (isWaiting: boolean) => {
    clearTimeout(timer);
    if (isWaiting) timer = setTimeout(close, transport.config.idleTimeout);
  };
  const frames = readFrames(response.body!, onWait, () => {});
  let more = 0;
  try {
    more = (await frames.next()).value?.length ?? 0;
  } catch (error) {
    close();
    throw error;
  }
  const end = () => {
    clearTimeout(timer);
    close();
  };
  // The first entry says from where the feed is complete; one that came with another has something to tell.
  const next = more === 1 ? frames.next() : Promise.resolve();
  const happened = next.then(
    () => end(),
    () => end(),
  );
  return { happened, close: end };
}
