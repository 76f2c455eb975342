import { EdgeError } from "@claude-edge/protocol";

import type { Env } from "./env.js";

/** Where traces and metrics are sent. */
export interface Collector {
  /** Without a slash at its end. */
  endpoint: string;
  headers: [name: string, value: string][];
}

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** The collector; undefined without one. @throws EdgeError `setting_invalid`. */
export function collectorOf(env: Env): Collector | undefined {
  const given = (env.CLAUDE_EDGE_OTLP_ENDPOINT ?? "").trim();
  if (given === "") return undefined;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isPlain = url?.username === "" && url.password === "" && url.search === "";
  if (!isPlain || !/^https?:$/.test(url.protocol)) {
    const form = "a URL like https://otel.example.com:4318, without credentials";
    const message = `CLAUDE_EDGE_OTLP_ENDPOINT is ${JSON.stringify(given)}: it must be ${form}.`;
    throw new EdgeError("setting_invalid", message);
  }
  const endpoint = `${url.origin}${url.pathname}`.replace(/\/+$/, "");
  return { endpoint, headers: headersOf(env.CLAUDE_EDGE_OTLP_HEADERS ?? "") };
}

/** The same; with a setting that cannot be read nothing is sent, and callers are told of it. */
export function readCollector(env: Env): Collector | undefined {
  try {
    return collectorOf(env);
  } catch {
    return undefined;
  }
}

/** As `OTEL_EXPORTER_OTLP_HEADERS` has them. */
function headersOf(given: string): [string, string][] {
  const pairs = given.split(",").filter((pair) => pair.trim() !== "");
  return pairs.map((pair) => {
    const at = pair.indexOf("=");
    const name = pair.slice(0, Math.max(at, 0)).trim();
    const value = decoded(pair.slice(at + 1).trim());
    if (HEADER_NAME.test(name) && value !== undefined && /^[\t\x20-\x7e]+$/.test(value)) {
      return [name, value];
    }
    // Not what was given: it is a secret.
    const message =
      "CLAUDE_EDGE_OTLP_HEADERS cannot be read: it must be like name=value,name=value.";
    throw new EdgeError("setting_invalid", message);
  });
}

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
