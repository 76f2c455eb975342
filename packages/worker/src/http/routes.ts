import { EdgeError } from "@claude-edge/protocol";
import { matchedRoutes } from "hono/route";

import type { Env } from "../env.js";
import { dialectNames } from "../settings.js";
import { ROUTES, type Access } from "./access.js";
import type { Call, Dialect } from "./contract.js";

/** A route of the API or of a dialect, and its required access. */
export interface Route {
  method: string;
  path: string;
  access: Access | "root key" | "open";
  dialect?: Dialect;
}

/** All routes, matched against requests. */
export class RouteTable {
  readonly #dialects: readonly Dialect[];
  /** Longest path first. */
  readonly #routes: readonly Route[];

  constructor(dialects: readonly Dialect[]) {
    this.#dialects = dialects;
    this.#routes = [
      ...Object.entries(ROUTES).map(([key, access]) => {
        const [method = "", path = ""] = key.split(" ");
        return { method, path, access };
      }),
      ...dialects.flatMap((dialect) =>
        dialect.routes.map(({ method, path, access }) => ({ method, path, access, dialect })),
      ),
    ].toSorted((left, right) => right.path.length - left.path.length);
  }

  /** Whether a dialect is enabled. @throws EdgeError `setting_invalid` when the variable names an unknown one. */
  isOn(env: Env, { name }: Dialect): boolean {
    const names = dialectNames(env);
    const known = this.#dialects.map((dialect) => dialect.name);
    const unknown = names.find((word) => !known.includes(word));
    if (unknown === undefined) return names.includes(name);
    const message = `CLAUDE_EDGE_DIALECTS names ${JSON.stringify(unknown)}; there are ${known.join(", ")}.`;
    throw new EdgeError("setting_invalid", message);
  }

  /** Whether a request matches a route. */
  has(c: Call): boolean {
    return this.#matched(c).length > 0;
  }

  /** The route of a request; undefined when no known route matches. */
  of(c: Call): Route | undefined {
    const [matched] = this.#matched(c);
    return (
      matched &&
      this.#knownRoutes(matched.method, matched.path).find((route) => this.#isServed(c, route))
    );
  }

  /** The dialect's error format for a request; undefined for the API's own format. */
  errorFormOf(c: Call): Dialect["error"] {
    try {
      return (c.get("dialect") ?? this.of(c)?.dialect ?? this.#dialectByPrefix(c))?.error;
    } catch {
      return undefined;
    }
  }

  /** The pattern that a request's path matched; undefined when there is no such route. */
  patternOf(c: Call): string | undefined {
    try {
      return this.#matched(c)[0]?.path.replaceAll(/\{[^/]*\}/g, "");
    } catch {
      return undefined;
    }
  }

  /** What stands in the place of a session's id in the path, if the route is one of a session. */
  sessionIn(c: Call): string | undefined {
    const isOfSession = /\/(sessions|conversations)\/:id/.test(this.patternOf(c) ?? "");
    return isOfSession ? this.namedIn(c, ":id") : undefined;
  }

  /** The id of a session (`:id`), a turn or a request in the path, if the route has one. */
  namedIn(c: Call, parameter: ":id" | ":turn" | ":request"): string | undefined {
    const [matched] = this.#matched(c);
    // Hono exposes parameters only inside the handler. These ids need no unescaping.
    const place = matched?.path.split("/").indexOf(parameter) ?? -1;
    return place < 0 ? undefined : c.req.path.split("/")[place];
  }

  /** The methods that are available for a request's path. */
  methodsOf(c: Call, routes: { method: string; path: string }[]): string[] {
    const matching = routes.filter(
      ({ method, path }) =>
        method !== "ALL" &&
        !this.#isOff(c, method, path) &&
        new RegExp(`^${path.replace(/:\w+\{(.+?)\}/g, "$1").replace(/:\w+/g, "[^/]+")}$`).test(
          c.req.path,
        ),
    );
    return [...new Set(matching.map(({ method }) => method))];
  }

  /**
   * The known routes of a registered path; several if dialects share it. A Worker may mount all routes under a prefix, so
   * the longest known suffix of the path counts.
   */
  #knownRoutes(method: string, path: string): readonly Route[] {
    const longest = this.#routes.find(
      (known) => known.method === method && path.endsWith(known.path),
    );
    return this.#routes.filter((known) => known.method === method && known.path === longest?.path);
  }

  #isServed(c: Call, { dialect }: Route): boolean {
    return !dialect || this.isOn(c.env, dialect);
  }

  /** Whether all dialects with this path are disabled. */
  #isOff(c: Call, method: string, path: string): boolean {
    const routes = this.#knownRoutes(method, path);
    return routes.length > 0 && !routes.some((route) => this.#isServed(c, route));
  }

  #matched(c: Call) {
    return matchedRoutes(c).filter(
      ({ method, path }) => method !== "ALL" && !this.#isOff(c, method, path),
    );
  }

  /** The dialect of an unknown path, by its prefix. A Worker may mount all routes under a prefix of its own. */
  #dialectByPrefix(c: Call): Dialect | undefined {
    if (this.has(c)) return undefined;
    return this.#dialects.find(
      (dialect) =>
        this.isOn(c.env, dialect) &&
        dialect.pathPrefixes?.some((path) => `${c.req.path}/`.includes(`${path}/`)),
    );
  }
}
