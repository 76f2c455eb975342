import type { IncomingMessage, ServerResponse } from "node:http";

/** A request that has found its route. */
export interface Call<Param extends string = string> {
  request: IncomingMessage;
  response: ServerResponse;
  /** The parts of the path that the pattern names. */
  params: Record<Param, string>;
  query: URLSearchParams;
}

/** Returns the JSON body of a 200, or nothing when it has answered by itself. */
type Handler<Param extends string> = (call: Call<Param>) => unknown;

export interface Route {
  method: string;
  pattern: RegExp;
  handle: Handler<string>;
}

type ParamsOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamsOf<Rest>
  : never;

/** `{n}` is a number and `{request}` the id of a request; every other name stands for a UUID. */
const PARAMS: Record<string, string> = { n: "\\d{1,9}", request: "[0-9a-f]{16}\\.[0-9a-f-]{36}" };
const UUID = "[0-9a-f-]{36}";

/** A row of the route table. */
export function route<Path extends string>(
  method: "GET" | "PUT" | "POST" | "DELETE",
  path: Path,
  handle: Handler<ParamsOf<Path>>,
): Route {
  const source = path.replace(
    /\{(\w+)\}/g,
    (_whole, name: string) => `(?<${name}>${PARAMS[name] ?? UUID})`,
  );
  return { method, pattern: new RegExp(`^${source}$`), handle: handle as Handler<string> };
}

/** The route of a request and the parameters in its path. */
export function findRoute(
  routes: Route[],
  method: string | undefined,
  path: string,
): { route: Route; params: Record<string, string> } | undefined {
  for (const candidate of routes) {
    if (candidate.method !== method) continue;
    const match = candidate.pattern.exec(path);
    if (match) return { route: candidate, params: { ...match.groups } };
  }
  return undefined;
}
