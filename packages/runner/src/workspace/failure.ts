import { EdgeError } from "@claude-edge/protocol";

const codeOf = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException | undefined)?.code;

/** The path does not exist or has changed its type. This is normal: the agent works during a scan. */
export const isGone = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR", "ELOOP", "EISDIR", "ENXIO"].includes(codeOf(error) ?? "");

/** The path exists but cannot be accessed, or is longer than the system allows. */
export const isForbidden = (error: unknown): boolean =>
  ["EACCES", "EPERM", "ENAMETOOLONG"].includes(codeOf(error) ?? "");

/** Runs `work`; undefined if the path does not exist. */
export function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Maps a file system error to an error of the protocol. */
export function failureOf(error: unknown): EdgeError {
  if (error instanceof EdgeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const isFull = ["ENOSPC", "EDQUOT"].includes(codeOf(error) ?? "");
  return new EdgeError(isFull ? "disk_full" : "workspace_unavailable", message, undefined, error);
}
