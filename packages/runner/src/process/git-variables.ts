import type { Repository } from "@claude-edge/protocol";

/** Hosts whose tokens go with a user of their own. All others take any. */
const USERS: Readonly<Record<string, string>> = { "bitbucket.org": "x-token-auth" };
const USER = "x-access-token";

/**
 * The variables by which git sends the secrets of repositories to their hosts, so that none is in a repository's own
 * settings: the agent's `git fetch` and `git push` use them too.
 * @param variables The placeholders of secrets, by name. One that is not there is not sent.
 * @param before The environment that they are added to: settings that it gives git stay.
 */
export function gitVariables(
  repositories: readonly Repository[],
  variables: Readonly<Record<string, string>>,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const headers = repositories.flatMap(({ url, secret = "" }) => {
    const token = variables[secret];
    if (token === undefined) return [];
    const { href, hostname } = new URL(url);
    const user = USERS[hostname] ?? USER;
    const credentials = Buffer.from(`${user}:${token}`).toString("base64");
    return [[`http.${href}.extraHeader`, `Authorization: Basic ${credentials}`] as const];
  });
  if (headers.length === 0) return {};
  const first = Number(before.GIT_CONFIG_COUNT) || 0;
  const pairs = headers.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${first + index}`, key],
    [`GIT_CONFIG_VALUE_${first + index}`, value],
  ]);
  return { ...Object.fromEntries(pairs), GIT_CONFIG_COUNT: String(first + headers.length) };
}
