import { EdgeError } from "@claude-edge/protocol";

/** The query string of a request. All functions below throw EdgeError `invalid_request`. */
interface Call {
  req: { query: (name: string) => string | undefined };
}

const DEFAULT_PAGE = 50;
const MAX_PAGE = 200;

export function wholeNumber(name: string, value: string | undefined, fallback: number): number {
  if (value === undefined || value === "") return fallback;
  if (!/^\d{1,15}$/.test(value)) {
    throw new EdgeError("invalid_request", `${name}: must be a whole number.`);
  }
  return Number(value);
}

export function pageSize(c: Call, most: number = MAX_PAGE): number {
  const limit = wholeNumber("limit", c.req.query("limit"), Math.min(most, DEFAULT_PAGE));
  if (limit >= 1 && limit <= most) return limit;
  throw new EdgeError("invalid_request", `limit: must be 1 to ${most}.`);
}

export function flag(c: Call, name: string): boolean {
  const given = c.req.query(name);
  if (given === undefined || given === "false") return false;
  if (given === "true" || given === "") return true;
  throw new EdgeError("invalid_request", `${name}: must be true or false.`);
}

export function oneOf<Value extends string>(
  c: Call,
  name: string,
  values: readonly Value[],
): Value | undefined {
  const given = c.req.query(name);
  const known = values.find((value) => value === given);
  if (given === undefined || known !== undefined) return known;
  throw new EdgeError("invalid_request", `${name}: must be one of ${values.join(", ")}.`);
}

export function day(c: Call, name: string): string | undefined {
  const given = c.req.query(name);
  if (given === undefined) return undefined;
  // Date accepts February 30 as March 1 or 2.
  const time = new Date(`${given}T00:00:00Z`);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(given) && !Number.isNaN(time.getTime());
  if (isDay && time.toISOString().startsWith(given)) return given;
  throw new EdgeError("invalid_request", `${name}: must be a day like 2026-11-01.`);
}
