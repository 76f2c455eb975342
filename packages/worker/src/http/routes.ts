import { matchedRoutes } from "hono/route";

import type { Dialect } from "../dialects/dialect.js";
import { DIALECTS, isOn } from "../dialects/index.js";
import { ROUTES, type Access } from "./access.js";
import type { Call } from "./call.js";

/** A route of the API or of a dialect, and what a token needs for it. */
export interface Route {
  method: string;
  path: string;
  access: Access | "root key" | "open";
  dialect?: Dialect;
}

const ALL: readonly Route[] = [
  ...Object.entries(ROUTES).map(([key, access]) => {
    const [method = "", path = ""] = key.split(" ");
    return { method, path, access };
  }),
  ...DIALECTS.flatMap((dialect) =>
    dialect.routes.map(({ method, path, access }) => ({ method, path, access, dialect })),
  ),
].toSorted((left, right) => right.path.length - left.path.length);

/**
 * The route that a request takes: undefined for none, or one that no table knows. A Worker may have put all routes
 * under a path of its own, so the longest known path that it ends with is the one.
 */
export function routeOf(c: Call): Route | undefined {
  const matched = matchedRoutes(c).filter(({ method }) => method !== "ALL");
  for (const { method, path } of matched) {
    const route = ALL.find((known) => known.method === method && path.endsWith(known.path));
    if (!route?.dialect || isOn(c.env, route.dialect)) return route;
  }
  return undefined;
}

/** How a request's errors are said; as the rest of the API does where that cannot be told. */
export function wordsOf(c: Call): Dialect["error"] {
  try {
    return routeOf(c)?.dialect?.error;
  } catch {
    return undefined;
  }
}

/** The part of the path that names a session; undefined where none does. */
export function sessionIn(c: Call): string | undefined {
  const matched = matchedRoutes(c).find(({ method }) => method !== "ALL");
  // Parameters are the handler's, which has not been reached; an id that is escaped in the path is no session's.
  const place = matched?.path.split("/").indexOf(":id") ?? -1;
  return place < 0 ? undefined : c.req.path.split("/")[place];
}

/** The methods that some route takes for a path. */
export function methodsOf(c: Call, routes: { method: string; path: string }[]): string[] {
  const off = new Set(
    DIALECTS.filter((dialect) => !isOn(c.env, dialect)).flatMap((dialect) =>
      dialect.routes.map(({ method, path }) => `${method} ${path}`),
    ),
  );
  const matching = routes.filter(
    ({ method, path }) =>
      method !== "ALL" &&
      !off.has(`${method} ${path}`) &&
      new RegExp(`^${path.replace(/:\w+/g, "[^/]+")}$`).test(c.req.path),
  );
  return [...new Set(matching.map(({ method }) => method))];
}
