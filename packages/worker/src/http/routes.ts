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
 * What the tables say of a registered path: more than one route where dialects share it. A Worker may have put all
 * routes under a path of its own, so the longest known path that it ends with is the one.
 */
function claimsOf(method: string, path: string): readonly Route[] {
  const longest = ALL.find((known) => known.method === method && path.endsWith(known.path));
  return ALL.filter((known) => known.method === method && known.path === longest?.path);
}

const isServed = (c: Call, { dialect }: Route): boolean => !dialect || isOn(c.env, dialect);

/** Whether all dialects that have a path are off. */
function isOff(c: Call, method: string, path: string): boolean {
  const claims = claimsOf(method, path);
  return claims.length > 0 && !claims.some((route) => isServed(c, route));
}

const matchedOf = (c: Call) =>
  matchedRoutes(c).filter(({ method, path }) => method !== "ALL" && !isOff(c, method, path));

/** Whether a request takes a route at all. */
export const isRoute = (c: Call): boolean => matchedOf(c).length > 0;

/** The route that a request takes: undefined for none, or one that no table knows. */
export function routeOf(c: Call): Route | undefined {
  const [matched] = matchedOf(c);
  return matched && claimsOf(matched.method, matched.path).find((route) => isServed(c, route));
}

/** How a request's errors are said; as the rest of the API does where that cannot be told. */
export function wordsOf(c: Call): Dialect["error"] {
  try {
    return (c.get("dialect") ?? routeOf(c)?.dialect)?.error;
  } catch {
    return undefined;
  }
}

/** The part of the path that names a session; undefined where none does. */
export function sessionIn(c: Call): string | undefined {
  const [matched] = matchedOf(c);
  // Parameters are the handler's, which has not been reached; an id that is escaped in the path is no session's.
  const place = matched?.path.split("/").indexOf(":id") ?? -1;
  return place < 0 ? undefined : c.req.path.split("/")[place];
}

/** The methods that some route takes for a path. */
export function methodsOf(c: Call, routes: { method: string; path: string }[]): string[] {
  const matching = routes.filter(
    ({ method, path }) =>
      method !== "ALL" &&
      !isOff(c, method, path) &&
      new RegExp(`^${path.replace(/:\w+\{(.+?)\}/g, "$1").replace(/:\w+/g, "[^/]+")}$`).test(
        c.req.path,
      ),
  );
  return [...new Set(matching.map(({ method }) => method))];
}
