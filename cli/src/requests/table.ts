import type { RequestResource } from "@claude-edge/client";

import { duration } from "../terminal/duration.js";
import { oneLine } from "../terminal/printable.js";
import { table } from "../terminal/table.js";
import { askedOf, subjectOf } from "./asked.js";

const HEAD = ["ID", "KIND", "STATUS", "AGE", "EXPIRES", "SESSION", "TOOL", "ABOUT"];

/** Permissions and questions for people to read; the ids are cut to what `requests answer` takes. */
export function requestTable(
  requests: RequestResource[],
  { now, width }: { now: number; width?: number | undefined },
): string {
  const rows = requests.map((request) => {
    const { id, kind, status, created_at, expires_at, session_id } = request;
    const asked = askedOf(request);
    const expires =
      status === "pending" && expires_at ? duration(Date.parse(expires_at) - now) : "-";
    const age = duration(now - Date.parse(created_at));
    const tool = oneLine(asked.toolName);
    return [id.slice(0, 8), kind, status, age, expires, session_id, tool, subjectOf(asked)];
  });
  return table(HEAD, rows, { width });
}
