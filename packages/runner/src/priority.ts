import { getPriority, setPriority } from "node:os";

/** The lowest priority that Linux and macOS have. */
const LOWEST = 19;

/** Puts a process below this one, which may itself run at a low priority. What the process starts inherits it. */
export function lowerPriority(pid: number | undefined, by: number): void {
  if (pid === undefined || by <= 0) return;
  try {
    setPriority(pid, Math.min(getPriority() + by, LOWEST));
  } catch {
    // It has ended already.
  }
}
