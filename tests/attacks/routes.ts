import { fileURLToPath } from "node:url";

import { build } from "esbuild";

/** A route of the deployment, as the Worker's own tables have it. */
export interface Route {
  method: string;
  path: string;
  /** `root key`: no token opens it; `open`: it wants none. */
  access: { scopes: string[]; session?: "in path" | "held" } | "root key" | "open";
  /** Whose API it belongs to, if not our own. */
  dialect?: string;
}

interface Tables {
  ROUTES: Record<string, Exclude<Route["access"], string>>;
  DIALECTS: { name: string; routes: Route[] }[];
}

const WORKER = fileURLToPath(new URL("../../packages/worker/src", import.meta.url));

/** Every route there is, read from the Worker's source: one that is added is attacked from then on. */
export async function loadRoutes(): Promise<Route[]> {
  const { outputFiles } = await build({
    stdin: {
      contents: `export { ROUTES } from "./http/access.js"; export { DIALECTS } from "./dialects/index.js";`,
      resolveDir: WORKER,
    },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    alias: { "cloudflare:workers": fileURLToPath(new URL("no-runtime.ts", import.meta.url)) },
  });
  const source = Buffer.from(outputFiles[0]!.contents).toString("base64");
  const { ROUTES, DIALECTS } = (await import(`data:text/javascript;base64,${source}`)) as Tables;
  const ours = Object.entries(ROUTES).map(([key, access]) => {
    const [method = "", path = ""] = key.split(" ");
    return { method, path, access };
  });
  const theirs = DIALECTS.flatMap(({ name, routes }) =>
    routes.map(({ method, path, access }) => ({ method, path, access, dialect: name })),
  );
  return [...ours, ...theirs];
}

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
    // Other names are a dialect's, for sessions of ours.
    .replace(/:\w+/g, session);

/** A body that a route takes; an empty one where none is known. */
const BODIES: Record<string, object> = {
  "POST /v1/query": { prompt: "%say x" },
  "POST /v1/sessions/:id/turns": { prompt: "%say x" },
  "POST /v1/requests/:request": { answer: { behavior: "allow" } },
  "POST /v1/sessions/:id/requests/:request": { answer: { behavior: "allow" } },
  "POST /v1/sessions/:id/control": { method: "supportedModels" },
  "PATCH /v1/sessions/:id": { title: "Mine now" },
};

/** What a good request to a route has as its body. */
export function bodyOf({ method, path }: Route): { json?: object } {
  if (method === "GET" || method === "DELETE") return {};
  return { json: BODIES[`${method} ${path}`] ?? {} };
}
