import type { RequestResource } from "@claude-edge/client";

import { askedOf, subjectOf } from "./asked.js";
import { oneLine } from "./printable.js";

/** What it is about is cut to the terminal's width, but not below and not above this, in characters. */
const [MIN_ABOUT, MAX_ABOUT] = [20, 200];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function duration(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.round(ms / 1000))}s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m`;
  return ms < DAY ? `${Math.floor(ms / HOUR)}h` : `${Math.floor(ms / DAY)}d`;
}

/** Permissions and questions for people to read; the ids are cut to what `requests answer` takes. */
export function requestTable(
  requests: RequestResource[],
  { now, width = Infinity }: { now: number; width?: number | undefined },
): string {
  const head = ["ID", "KIND", "STATUS", "AGE", "EXPIRES", "SESSION", "TOOL"];
  const rows = requests.map((request) => {
    const { id, kind, status, created_at, expires_at, session_id } = request;
    const expires =
      status === "pending" && expires_at ? duration(Date.parse(expires_at) - now) : "-";
    const age = duration(now - Date.parse(created_at));
    return [
      id.slice(0, 8),
      kind,
      status,
      age,
      expires,
      session_id,
      oneLine(askedOf(request).toolName),
    ];
  });
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]!.length)),
  );
  const taken = widths.reduce((sum, column) => sum + column + 2, 0);
  const about = Math.min(Math.max(width - taken, MIN_ABOUT), MAX_ABOUT);
  const line = (cells: string[], last: string) =>
    `${cells.map((cell, column) => cell.padEnd(widths[column]!)).join("  ")}  ${last}\n`;
  const lines = rows.map((cells, place) =>
    line(cells, oneLine(subjectOf(askedOf(requests[place]!)), about)),
  );
  return [line(head, "ABOUT"), ...lines].join("");
}
