import type { Hono } from "hono";

import { commonHeaders } from "../errors.js";
import { VERSION } from "../version.js";
import { ROUTES } from "./access.js";
import type { AppEnv } from "./contract.js";

let document: Promise<string> | undefined;

/** Made when it is first asked for: it takes some 20 ms, which a Worker's start should not have. */
const documentText = (): Promise<string> =>
  (document ??= import("./openapi/document.js").then(({ openApiDocument }) =>
    JSON.stringify(openApiDocument(VERSION, ROUTES)),
  ));

/** Adds the route of the API's description, which is open. */
export function addOpenApiRoute(app: Hono<AppEnv>): void {
  app.get("/v1/openapi.json", async (c) => {
    const headers = new Headers(commonHeaders(c.get("requestId")));
    headers.set("content-type", "application/json");
    headers.set("cache-control", "public, max-age=300");
    return new Response(await documentText(), { headers });
  });
}
