import { EdgeError, type SessionResource } from "@claude-edge/protocol";

/** A place in the list of sessions, as an opaque string. */
export function writeCursor({ updated_at, id }: SessionResource): string {
  return btoa(`${Date.parse(updated_at)} ${id}`).replaceAll("=", "");
}

/** @throws EdgeError `invalid_request` when it did not come from {@link writeCursor}. */
export function readCursor(cursor: string): { updatedAt: number; id: string } {
  try {
    const [updatedAt = "", id = ""] = atob(cursor).split(" ");
    if (/^\d+$/.test(updatedAt) && id !== "") return { updatedAt: Number(updatedAt), id };
  } catch {
    // Not base64.
  }
  throw new EdgeError("invalid_request", "cursor: take it from next_cursor of the page before.");
}
