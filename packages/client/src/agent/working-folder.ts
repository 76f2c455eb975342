/** The workspace of a session as a path in its container. */
const WORKSPACE = /^\/workspace\/[0-9a-f-]{36}(?:\/|$)/i;

const STEPS = /^(?:\.\/+)+|\/+$/g;

/** A `cwd` as a folder of the workspace; `""` for the workspace itself. */
export function folderOf(cwd: string): string {
  const inside = cwd.replace(WORKSPACE, "").replaceAll("\\", "/").replaceAll(STEPS, "");
  return isOfCaller(inside) || inside === "." ? "" : inside;
}

/** Whether a `cwd` names a folder of the caller's machine: an absolute path, or one that leads out of where it starts. */
export function isOfCaller(cwd: string | undefined): boolean {
  if (cwd === undefined || WORKSPACE.test(cwd)) return false;
  return /^([/~\\]|[A-Za-z]:)/.test(cwd) || cwd.split(/[/\\]/).includes("..");
}
