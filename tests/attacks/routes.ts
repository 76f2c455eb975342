import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { formOf, PNG, tarOf } from "./bytes.ts";
import type { Ask } from "./send.ts";

/** A route of the deployment, as the Worker's own tables have it. */
export interface Route {
  method: string;
  path: string;
  /** `root key`: no token opens it; `open`: it wants none. */
  access: { scopes: string[]; also?: string; session?: "in path" | "held" } | "root key" | "open";
  /** Whose API it belongs to, if not our own. */
  dialect?: string;
}

interface Tables {
  createApp(dialects: unknown[]): { routes: { method: string; path: string }[] };
  ROUTES: Record<string, Route["access"]>;
  DIALECTS: { name: string; routes: Route[] }[];
}

const WORKER = fileURLToPath(new URL("../../packages/worker/src/http/", import.meta.url));

const TABLES = `
  export { createApp } from "./app.js";
  export { ROUTES } from "./access.js";
  export { DIALECTS } from "../dialects/index.js";
`;

/** They tell nothing of an account. */
const OPEN = new Set(["GET /health", "GET /v1/openapi.json"]);

/** Every route there is, read from the Worker's source: one that is added is attacked from then on. */
export async function loadRoutes(): Promise<Route[]> {
  const { outputFiles } = await build({
    stdin: { contents: TABLES, resolveDir: WORKER },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    define: { __VERSION__: JSON.stringify("0.0.0") },
    alias: { "cloudflare:workers": fileURLToPath(new URL("no-runtime.ts", import.meta.url)) },
  });
  const source = Buffer.from(outputFiles[0]!.contents).toString("base64");
  const { createApp, ROUTES, DIALECTS } = (await import(
    `data:text/javascript;base64,${source}`
  )) as Tables;
  const theirs = DIALECTS.flatMap(({ name, routes }) =>
    routes.map(({ method, path, access }) => ({ method, path, access, dialect: name })),
  );
  const ours = createApp([])
    .routes.map(({ method, path }) => ({ method, path, key: `${method} ${path}` }))
    .filter(({ method, key }) => method !== "ALL" && !OPEN.has(key))
    // What no table knows is the root key's.
    .map(({ method, path, key }) => ({ method, path, access: ROUTES[key] ?? "root key" }) as const);
  return [...ours, ...theirs];
}

/** A file that each tenant has wherever a route could look for one: in the workspace, its outputs, the uploads. */
export const FILE = "secret.txt";

/** Whose things a path names. */
export interface Ids {
  session: string;
  turn: string;
  request: string;
}

export const pathOf = ({ path }: Route, { session, turn, request }: Ids): string =>
  path
    .replace(":id", session)
    .replace(":turn", turn)
    .replace(":request", request)
    .replace(":token", "a-token")
    .replace("/secrets/:name", "/secrets/A_KEY")
    .replace(":path{[^]+}", FILE)
    // Other names are a dialect's, for sessions of ours.
    .replace(/:\w+/g, session);

/** The bodies that routes take, those of dialects too. */
const BODIES: Record<string, object> = {
  "POST /v1/query": { prompt: "%say x" },
  "POST /v1/sessions/:id/turns": { prompt: "%say x" },
  "POST /v1/requests/:request": { answer: { behavior: "allow" } },
  "POST /v1/sessions/:id/requests/:request": { answer: { behavior: "allow" } },
  "POST /v1/sessions/:id/control": { method: "supportedModels" },
  "PUT /v1/network": { policy: null },
  "PATCH /v1/sessions/:id": { title: "Mine now" },
  "POST /v1/sessions/:id/rewind": { turn_id: null },
  "POST /v1/webhooks": { url: "https://example.com/hook" },
  "PATCH /v1/webhooks/:webhook": { name: "Mine now" },
  "POST /v1/webhooks/:webhook/rotate": {},
  "POST /v1/webhooks/:webhook/test": {},
  "POST /v1/webhooks/:webhook/resend": {},
  "PUT /v1/secrets/:name": { value: "mine-now", hosts: ["api.example.com"] },
  "POST /api/generate": { prompt: "%say x" },
  "POST /api/generate-stream": { prompt: "%say x" },
  "POST /api/sessions/:id/continue": { prompt: "%say x" },
  "POST /api/sessions/:id/continue-stream": { prompt: "%say x" },
  "POST /query": { query: "%say x" },
  "POST /claude-code": { prompt: "%say x" },
  "POST /stream": { prompt: "%say x" },
  "POST /conversations": {},
  "POST /conversations/:id/messages": { prompt: "%say x" },
  "POST /conversations/:id/stream": { prompt: "%say x" },
  "POST /v1/messages/count_tokens": {
    model: "claude-opus-5-5",
    messages: [{ role: "user", content: "%say x" }],
  },
  "POST /v1/messages": {
    model: "claude-opus-5-5",
    max_tokens: 8,
    messages: [{ role: "user", content: "%say x" }],
  },
};

/** Bodies that are no JSON. */
const BYTES: Record<string, { body: Buffer<ArrayBuffer>; headers: Record<string, string> }> = {
  "PUT /v1/sessions/:id/files/:path{[^]+}": {
    body: Buffer.from("Mine now"),
    headers: { "content-type": "application/octet-stream" },
  },
  "PUT /v1/sessions/:id/tar": {
    body: tarOf({ name: FILE, content: "Mine now" }),
    headers: { "content-type": "application/x-tar" },
  },
  "POST /api/upload": formOf("images", "x.png", PNG),
};

/** What a good request to a route has as its body; where none is known, a guess. */
export function bodyOf({ method, path, dialect }: Route): Pick<Ask, "json" | "body" | "headers"> {
  if (method === "GET" || method === "DELETE") return {};
  const bytes = BYTES[`${method} ${path}`];
  if (bytes) return bytes;
  return { json: BODIES[`${method} ${path}`] ?? (dialect ? { prompt: "%say x" } : {}) };
}

/** Whether what a route says to a token that is no good can be known: its body is seen first. */
export const isKnown = ({ method, path, dialect }: Route): boolean =>
  dialect === undefined ||
  method === "GET" ||
  [BODIES, BYTES].some((known) => `${method} ${path}` in known);
