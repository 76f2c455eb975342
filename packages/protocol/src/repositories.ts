import * as z from "zod/mini";

import { IGNORED_DIRECTORIES, pathProblem } from "./files.js";
import { MAX_SECRET_NAME } from "./secrets.js";

/** The most repositories that a session may have. */
export const MAX_REPOSITORIES = 20;

const MAX_URL_CHARS = 2_000;
const MAX_REF_CHARS = 255;
const MAX_DEPTH = 1_000_000;

/** Names that git refuses (git-check-ref-format), and those that it would take for an option. */
const BAD_REF = /^[-/]|[\s~^:?*[\\\p{Cc}]|\.\.|@\{|^@$|\/\/|\/\.|^\.|\.lock(\/|$)|[./]$/u;

/** What is wrong with the URL of a repository, in words that go after "must". */
function repositoryUrlProblem(url: string): string | undefined {
  if (url.length > MAX_URL_CHARS) return `have ${MAX_URL_CHARS} characters at the most`;
  if (!/^https?:\/\/[^/]/i.test(url) || /[\s\\\p{Cc}]/u.test(url) || !URL.canParse(url)) {
    return "be an https URL, as git clone takes it";
  }
  const { username, password, search, hash } = new URL(url);
  if (username !== "" || password !== "") {
    return "hold no user and no password: name a secret that holds the token";
  }
  if (search !== "" || hash !== "") return "have no query and no fragment";
  return undefined;
}

/** What is wrong with the name of a branch, tag or commit, in words that go after "must". */
function refProblem(ref: string): string | undefined {
  if (ref.length > MAX_REF_CHARS) return `have ${MAX_REF_CHARS} characters at the most`;
  return ref === "" || BAD_REF.test(ref) ? "be a branch, a tag or a whole commit id" : undefined;
}

const must = (problemOf: (text: string) => string | undefined) =>
  z.string().check((context) => {
    const problem = problemOf(context.value);
    if (problem === undefined) return;
    context.issues.push({ code: "custom", message: `must ${problem}`, input: context.value });
  });

const depth = `must be a whole number from 1 to ${MAX_DEPTH}`;
const secret = "must be the name of a secret";

const repository = z.strictObject({
  /** `https://…`. Plain HTTP only for a host of `CLAUDE_EDGE_PRIVATE_HOSTS`. */
  url: must(repositoryUrlProblem),
  /** A branch, a tag or a whole commit id; the default branch without it. */
  ref: z.optional(must(refProblem)),
  /** The folder of the workspace that it is cloned into; the repository's name without it. */
  path: z.optional(z.string()),
  /** How many commits of history to fetch, of this branch alone. Without it: all of all branches, as git does. */
  depth: z.optional(z.int(depth).check(z.gte(1, depth), z.lte(MAX_DEPTH, depth))),
  /** The secret that holds the token. Its hosts must include the repository's. */
  secret: z.optional(
    z.string().check(z.maxLength(MAX_SECRET_NAME, secret), z.regex(/^[A-Za-z_]\w*$/, secret)),
  ),
});

/** A git repository that is cloned into a session's workspace. */
export type Repository = z.infer<typeof repository>;

/** The folder that a repository is cloned into: as given, or its name. */
export function repositoryPath({ url, path }: Repository): string {
  if (path !== undefined) return path;
  const name = new URL(url).pathname
    .replace(/\/+$/, "")
    .split("/")
    .at(-1)!
    .replace(/\.git$/i, "");
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** What is wrong with the folder of a repository, in words that go after "must". */
function folderProblem(path: string): string | undefined {
  const problem = pathProblem(path);
  if (problem !== undefined) return problem;
  const parts = path.split("/");
  if (parts.some((part) => part.toLowerCase() === ".git")) return 'not have ".git" in it';
  const ignored = parts.find((part) => IGNORED_DIRECTORIES.includes(part));
  return ignored && `not be in ${ignored}, which is in no checkpoint`;
}

/** The repositories of a session's options. */
export const repositories = z
  .array(repository)
  .check(z.maxLength(MAX_REPOSITORIES, `must be ${MAX_REPOSITORIES} at most`))
  .check((context) => {
    const seen: string[] = [];
    for (const [index, one] of context.value.entries()) {
      // Said already.
      if (repositoryUrlProblem(one.url) !== undefined) continue;
      const path = repositoryPath(one);
      const message = messageOf(path, seen, one.path === undefined);
      seen.push(path);
      if (message === undefined) continue;
      context.issues.push({ code: "custom", message, input: path, path: [index, "path"] });
    }
  });

function messageOf(path: string, seen: string[], isDefault: boolean): string | undefined {
  const hint = isDefault ? "; it is the repository's name unless it is given" : "";
  const problem = folderProblem(path) ?? (isDefault && path.includes("/") && "be one name");
  if (problem) return `must ${problem}${hint}`;
  const other = seen.find(
    (one) => `${one}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${one}/`),
  );
  return other === undefined ? undefined : `must be apart from ${JSON.stringify(other)}${hint}`;
}
