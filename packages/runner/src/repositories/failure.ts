import { EdgeError, type ErrorCode, type Repository } from "@claude-edge/protocol";

/** How much of what git or a host says is passed on, characters. */
const MAX_SAID = 500;

/** What git says, in its own words of English, and what that means. The first that matches counts. */
const MEANINGS: [pattern: RegExp, code: ErrorCode][] = [
  [/No space left on device|Disk quota exceeded/, "disk_full"],
  [
    /Remote branch .* not found in upstream|couldn't find remote ref|not our ref|unadvertised object|no such remote ref|unable to read tree|reference is not a tree/i,
    "repository_ref_not_found",
  ],
  [
    /Authentication failed|could not read (Username|Password)|terminal prompts disabled|returned error: (401|403|407)/,
    "repository_unauthorized",
  ],
  [
    /repository '.*' not found|returned error: (404|410)|is this a git repository|does not appear to be a git repository/,
    "repository_not_found",
  ],
];

/** The gateway's own answer, which git shows as the host's. */
const OF_GATEWAY = /^remote: claude-edge: (.+)$/m;

/** What a failed clone means, from what git wrote to standard error. */
export function failureOf(repository: Repository, stderr: string): EdgeError {
  const { url, ref, secret } = repository;
  const { host } = new URL(url);
  const [, refusal] = OF_GATEWAY.exec(stderr) ?? [];
  if (refusal !== undefined) {
    return error("repository_unreachable", repository, `could not be cloned: ${tidy(refusal)}`);
  }
  const [, code = "repository_unreachable"] =
    MEANINGS.find(([pattern]) => pattern.test(stderr)) ?? [];
  const said = tidy(lastWords(stderr));
  const token = secret === undefined ? "no secret is named" : `with the secret ${secret}`;
  const problem: Partial<Record<ErrorCode, string>> = {
    disk_full: "could not be cloned: the container's disk is full",
    repository_ref_not_found: `has no branch, tag or commit ${JSON.stringify(ref ?? "HEAD")}`,
    repository_unauthorized: `was refused by ${host}: ${token}`,
    repository_not_found: `is not there, or may not be read: ${token}`,
  };
  return error(code, repository, `${problem[code] ?? "could not be cloned"}. git: ${said}`);
}

/** An error that says which repository it is about. */
export function error(
  code: ErrorCode,
  { url, path, ref, secret }: Repository,
  what: string,
): EdgeError {
  const details = { url, ...(path ? { path } : {}), ...(ref ? { ref } : {}) };
  return new EdgeError(code, `The repository ${url} ${what}`, {
    ...details,
    host: new URL(url).host,
    ...(secret ? { secret } : {}),
  });
}

/** The last line that says why, without what git writes before it. */
function lastWords(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim());
  const fatal = lines.findLast((line) => /^(fatal|error): /.test(line));
  return (fatal ?? lines.findLast(Boolean) ?? "it said nothing").replace(/^(fatal|error): /, "");
}

/** One line, without control characters. */
const tidy = (text: string): string =>
  text
    .replaceAll(/\p{Cc}+/gu, " ")
    .trim()
    .slice(0, MAX_SAID);
