import type { SecretResource } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { listSecretNames, putSecrets } from "../deploy/secrets.js";
import { readDevVars, writeDevVar } from "../project/dev-vars.js";
import { needPackage } from "../project/packages.js";
import { findProject, readProjectConfig, type Project } from "../project/project.js";
import { assertKind, newRootKey, ROOT_KEY, SECRETS } from "../secrets/credentials.js";
import { chooseModelSecret, secretFrom } from "../secrets/input.js";
import { profileOf, readConfig, writeConfig } from "../target/profiles.js";
import { DEV_ORIGIN, findTarget } from "../target/target.js";
import { canAsk } from "../terminal/prompts.js";
import { table } from "../terminal/table.js";
import {
  deleteAgentSecret,
  listAgentSecrets,
  setAgentSecret,
  whose,
  type SecretsFlags,
} from "./agent-secrets.js";

/** `claude-edge secrets set`. Gives the exit code. */
export async function setSecret(
  given: string | undefined,
  flags: SecretsFlags,
  context: Context,
): Promise<number> {
  const { local, generate } = flags;
  if (given !== undefined && !SECRETS.includes(given)) return setAgentSecret(given, flags, context);
  assertNoTarget(flags, given);
  const project = projectFor(flags, context);
  const name = given ?? (generate ? ROOT_KEY : await askName(context));
  if (name === undefined) return EXIT.interrupted;
  if (generate && name !== ROOT_KEY) {
    throw new EdgeError("usage", `--generate makes a ${ROOT_KEY}; ${name} is given to you.`);
  }
  const keep = generate && !local ? await profileName(project, flags, context) : undefined;
  const value = generate ? newRootKey() : await secretFrom(name, context);
  if (value === undefined) return EXIT.interrupted;
  assertKind(name, value);
  if (local) {
    writeDevVar(project, name, value);
    context.stderr.write(`${name} is in .dev.vars; a running claude-edge dev wants a new start\n`);
    return EXIT.ok;
  }
  await putSecrets({ [name]: value }, project, context);
  context.stderr.write(`${name} is set\n`);
  if (keep !== undefined) keepRootKey(keep, value, context);
  else if (name === ROOT_KEY) {
    context.stderr.write("next: claude-edge login, for the key that was saved is void now\n");
  }
  return EXIT.ok;
}

/** `claude-edge secrets list`: the Worker's own of this folder's project, and those of the agents of a deployment. */
export async function listSecrets(flags: SecretsFlags, context: Context): Promise<number> {
  const { stdout, stderr } = context;
  const { url, token } = flags.local ? {} : findTarget(flags, context);
  const agents = url && token ? await listAgentSecrets(flags, context) : undefined;
  const names = (await workerNames(flags, context, url?.origin, agents !== undefined)).toSorted();
  const all = [...names.map((name) => ({ name })), ...(agents ?? [])];
  if (flags.json) for (const secret of all) await writeJson(stdout, secret);
  else if (agents && all.length > 0) await write(stdout, secretTable(names, agents));
  else for (const name of names) await write(stdout, `${name}\n`);
  if (all.length === 0) stderr.write("no secrets are set\n");
  return EXIT.ok;
}

/** The names of the Worker's own secrets; none where a deployment is named, or known and no project is here. */
async function workerNames(
  flags: SecretsFlags,
  context: Context,
  origin: string | undefined,
  isTargeted: boolean,
): Promise<string[]> {
  if (isTargeted && TARGET_FLAGS.some((flag) => flags[flag] !== undefined)) return [];
  try {
    return await namesOf({ ...flags, local: flags.local || origin === DEV_ORIGIN }, context);
  } catch (error) {
    const { code } = error as { code?: string };
    if (isTargeted && (code === "project_not_found" || code === "worker_not_found")) return [];
    throw error;
  }
}

function secretTable(names: string[], agents: SecretResource[]): string {
  const rows = agents.map((secret) => [
    secret.name,
    secret.unreadable ? `${whose(secret)}, unreadable: set it again` : whose(secret),
    secret.hosts.join(" "),
    secret.updated_at.slice(0, 10),
  ]);
  const own = names.map((name) => [name, "the Worker", "-", "-"]);
  return table(["NAME", "WHOSE", "HOSTS", "SET"], [...own, ...rows]);
}

/** `claude-edge secrets delete`. Gives the exit code. */
export async function deleteSecret(
  name: string,
  flags: SecretsFlags,
  context: Context,
): Promise<number> {
  if (!SECRETS.includes(name)) return deleteAgentSecret(name, flags, context);
  assertNoTarget(flags, name);
  if (!(await namesOf(flags, context)).includes(name)) {
    throw new EdgeError("not_found", `${name} is not set.`);
  }
  const project = projectFor(flags, context);
  if (flags.local) writeDevVar(project, name, undefined);
  else await putSecrets({ [name]: null }, project, context);
  context.stderr.write(`${name} is gone\n`);
  return EXIT.ok;
}

/** @throws EdgeError `worker_not_found`. */
async function namesOf(flags: SecretsFlags, context: Context): Promise<string[]> {
  const project = projectFor(flags, context);
  if (flags.local)
    return Object.keys(readDevVars(project)).filter((name) => SECRETS.includes(name));
  const names = await listSecretNames(project, context);
  if (names) return names;
  throw new EdgeError("worker_not_found", `The project of ${project.folder} is not deployed.`);
}

/** Before anything is asked: without wrangler there is no use in it. */
function projectFor({ local }: SecretsFlags, { cwd }: Context): Project {
  const project = findProject(".", cwd);
  if (!local) needPackage(project, "wrangler");
  return project;
}

/** Flags that name a deployment. */
const TARGET_FLAGS = ["account", "profile", "session", "url"] as const;

/** The Worker's own secrets are of this folder's project. @throws EdgeError `usage`. */
function assertNoTarget(flags: SecretsFlags, name: string | undefined): void {
  const wrong = (["account", "body", "header", "host", "query", "url"] as const).find(
    (flag) => flags[flag] !== undefined,
  );
  if (wrong === undefined || name === undefined) return;
  const message = `${name} is a secret of the Worker itself, of this folder's project: it takes no --${wrong}.`;
  throw new EdgeError("usage", message);
}

/** @throws EdgeError `usage` where nobody can be asked. */
function askName(context: Context): Promise<string | undefined> {
  if (canAsk(context)) return chooseModelSecret(context);
  throw new EdgeError("usage", `Which one: claude-edge secrets set <${SECRETS.join("|")}>.`);
}

/** The profile that a new root key is kept in: whoever loses it has no way in. @throws EdgeError `profile_not_found`. */
async function profileName(
  project: Project,
  { profile }: SecretsFlags,
  context: Context,
): Promise<string> {
  const name = profile ?? (await readProjectConfig(project, context)).name ?? "";
  profileOf(readConfig(context), name);
  return name;
}

function keepRootKey(name: string, token: string, context: Context): void {
  const config = readConfig(context);
  const profile = profileOf(config, name);
  profile.token = token;
  writeConfig(config, context);
  context.stderr.write(`profile ${name} (${profile.url}) has the new key\n`);
}
