/**
 * A fetch for Node programs that need more of their connections than the built-in one gives. Kept apart from the rest:
 * undici takes 80 ms to load and is no faster, so nothing else imports it. It is an optional peer: `npm i undici@8`.
 */
import {
  Agent,
  EnvHttpProxyAgent,
  fetch as undiciFetch,
  ProxyAgent,
  type Dispatcher,
} from "undici";

/** What a {@link createFetch} is given. */
export interface NodeFetchOptions {
  /** A proxy's URL; `false`: none. Without it what HTTP_PROXY, HTTPS_PROXY and NO_PROXY say. */
  proxy?: string | false | undefined;
  /** A certificate and key to show (mTLS), authorities to trust instead of the system's: PEM. */
  tls?: { cert?: string; key?: string; passphrase?: string; ca?: string | string[] } | undefined;
  /** Connections to the deployment at the same time; every stream that is read holds one. No limit by default. */
  connections?: number | undefined;
  /** How long a connection may take to open, milliseconds; 10 000 by default. */
  connectTimeout?: number | undefined;
}

/** A fetch with connections of its own. */
export interface NodeFetch {
  (...args: Parameters<typeof globalThis.fetch>): Promise<Response>;
  /** Ends its connections when what runs on them has ended. */
  close(): Promise<void>;
}

/**
 * Makes a fetch for `new ClaudeEdge({ fetch })`. Paired with the undici it is from: an undici `Agent` given to the
 * built-in fetch fails on Node 22 and 24.
 */
export function createFetch({
  proxy,
  tls = {},
  connections,
  connectTimeout = 10_000,
}: NodeFetchOptions = {}): NodeFetch {
  const options = {
    // How long an answer may take to begin, and a stream may be silent, the client sees to itself.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { ...tls, timeout: connectTimeout },
    ...(connections === undefined ? {} : { connections }),
  } satisfies Agent.Options;
  const dispatcher = dispatcherOf(proxy, options);
  const fetch = (input: unknown, init?: object) =>
    undiciFetch(input as string, { ...init, dispatcher }) as unknown as Promise<Response>;
  return Object.assign(fetch, { close: () => dispatcher.close() }) as NodeFetch;
}

function dispatcherOf(proxy: NodeFetchOptions["proxy"], options: Agent.Options): Dispatcher {
  if (proxy === false) return new Agent(options);
  // Through a proxy the deployment's own TLS goes over its connection: these are for there.
  const tunnelled = { ...options, requestTls: options.connect as object };
  if (proxy === undefined) return new EnvHttpProxyAgent(tunnelled);
  return new ProxyAgent({ ...tunnelled, uri: proxy });
}
