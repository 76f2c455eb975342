/** Links that are followed before a chain of them counts as endless: Linux's limit. */
const MAX_HOPS = 40;

/**
 * Whether a symlink points out of the folder it is in, by itself or over other links. `links`: what each of them says,
 * by its path in the folder. A link to what is not there is inside.
 */
export function leadsOut(
  path: string,
  target: string,
  links: ReadonlyMap<string, string>,
): boolean {
  const at = path.split("/").slice(0, -1);
  const left = target.split("/");
  if (isAbsolute(target)) return true;
  for (let hops = 0; left.length > 0;) {
    const name = left.shift()!;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (at.pop() === undefined) return true;
      continue;
    }
    at.push(name);
    const next = links.get(at.join("/"));
    if (next === undefined) continue;
    hops += 1;
    if (hops > MAX_HOPS || isAbsolute(next)) return true;
    at.pop();
    left.unshift(...next.split("/"));
  }
  return false;
}

const isAbsolute = (target: string) => /^([/\\]|[a-z]:)/i.test(target);
