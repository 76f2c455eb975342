import { EdgeError } from "@claude-edge/protocol";

/** Encodes a position in a list, newest first, as an opaque string: a time, and what tells apart those of that time. */
export const writeCursor = (time: number, id: string): string =>
  btoa(`${time} ${id}`).replaceAll("=", "");

/** @throws EdgeError `invalid_request` when it did not come from {@link writeCursor}. */
export function readCursor(cursor: string): { time: number; id: string } {
  try {
    const [time = "", id = ""] = atob(cursor).split(" ");
    if (/^\d+$/.test(time) && id !== "") return { time: Number(time), id };
  } catch {
    // Not base64.
  }
  throw new EdgeError("invalid_request", "cursor: take it from next_cursor of the page before.");
}
