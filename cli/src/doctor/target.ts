import type { Context } from "../context.js";
import { findStaleDevFile } from "../target/dev-file.js";
import { DEV_ORIGIN, type Target } from "../target/target.js";
import { fail, ok, skip, warn, type Finding } from "./finding.js";

/** A deployment that is named. */
export interface Named {
  baseURL: string;
  token: string | undefined;
  /** Where the key is from: `CLAUDE_EDGE_TOKEN`, `profile prod`. */
  tokenOrigin: string | undefined;
  account: string | undefined;
  /** It is the `claude-edge dev` of this folder. */
  isDev: boolean;
}

/**
 * Whether a deployment is named, and well. A token that is in the environment is the one that is tried, also for a
 * `claude-edge dev`, whose root key other commands take before it.
 */
export function checkTarget(
  target: Target,
  folder: string,
  { CLAUDE_EDGE_TOKEN: given }: Context["env"],
): Finding<Named> {
  const baseURL = target.url?.value.replace(/\/+$/, "");
  if (baseURL === undefined) {
    const stale = findStaleDevFile(folder);
    return stale === undefined
      ? skip(
          "no deployment is named",
          "set CLAUDE_EDGE_URL, pass --url, or run `claude-edge dev` in the project",
        )
      : warn(
          `${stale} was left behind by a \`claude-edge dev\` that is gone`,
          "start `claude-edge dev` again, or set CLAUDE_EDGE_URL to talk to a deployment",
        );
  }
  if (!URL.canParse(baseURL) || !/^https?:\/\/[^/]/i.test(baseURL)) {
    const fix = "set CLAUDE_EDGE_URL or --url to one that begins with https:// or http://";
    return fail(`${baseURL} is not the URL of a deployment`, fix);
  }
  const { username, password } = new URL(baseURL);
  if (username || password) {
    return fail("the URL holds a user's name or password", "take it out: the key is enough");
  }
  const isDev = target.token?.origin === DEV_ORIGIN;
  const whose = isDev
    ? ", the `claude-edge dev` that runs here"
    : `, from ${target.url?.origin ?? "nowhere"}`;
  const token = isDev && given ? { value: given, origin: "CLAUDE_EDGE_TOKEN" } : target.token;
  return ok(`${baseURL}${whose}`, {
    baseURL,
    token: token?.value,
    tokenOrigin: token?.origin,
    account: target.account?.value,
    isDev,
  });
}
