import { EdgeError } from "@claude-edge/protocol/errors";

/** The URL as it is saved: without what belongs to a single request. @throws EdgeError `usage`. */
export function deploymentUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new EdgeError("usage", "A deployment's URL begins with https:// or http://.");
  }
  if (url.username || url.password) {
    throw new EdgeError("usage", "A deployment's URL holds no user and no password.");
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/** The origin of a URL, under one name for this machine; undefined for what is none. */
export function originOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  return new URL(url).origin.replace(/^http:\/\/(127\.0\.0\.1|\[::1\])(?=:|$)/, "http://localhost");
}

/** Both name the same deployment: one host may serve several, at different paths. */
export function sameDeployment(left: string, right: string): boolean {
  const origin = originOf(left);
  return origin !== undefined && origin === originOf(right) && pathOf(left) === pathOf(right);
}

const pathOf = (url: string) => new URL(url).pathname.replace(/\/+$/, "");
