import { EdgeError } from "@claude-edge/protocol";

const codeOf = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException | undefined)?.code;

/** It is not there, or no longer what it was a moment ago: the agent works while its files are looked at. */
export const isGone = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR", "ELOOP", "EISDIR", "ENXIO"].includes(codeOf(error) ?? "");

/** It is there, and not for us; a path may also be longer than the system takes. */
export const isForbidden = (error: unknown): boolean =>
  ["EACCES", "EPERM", "ENAMETOOLONG"].includes(codeOf(error) ?? "");

/** Runs something that is allowed to find nothing. */
export function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** What went wrong with files, in the words of the protocol. */
export function failureOf(error: unknown): EdgeError {
  if (error instanceof EdgeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const isFull = ["ENOSPC", "EDQUOT"].includes(codeOf(error) ?? "");
  return new EdgeError(isFull ? "disk_full" : "workspace_unavailable", message, undefined, error);
}
