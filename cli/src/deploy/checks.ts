import { EdgeError } from "@claude-edge/protocol/errors";

import { stopped, type Context } from "../context.js";
import { findPackage, needPackage, type Project, type ProjectConfig } from "../project/project.js";
import { askSecret } from "../secrets/input.js";
import { canAsk } from "../terminal/prompts.js";
import { findDocker } from "./docker.js";
import {
  assertKind,
  chooseModelSecret,
  listSecretNames,
  MODEL_SECRETS,
  newRootKey,
  ROOT_KEY,
} from "./secrets.js";
import { assertLoggedIn } from "./wrangler.js";

declare const __VERSION__: string;

interface Plan {
  containersRollout?: string;
  dryRun?: boolean;
}

const NEEDED = ["@claude-edge/worker", "@claude-edge/runner"];
const OPTIONAL = ["@claude-edge/local", "@claude-edge/client", "@claude-edge/protocol"];

/**
 * What would make a deployment fail after minutes, or half way, found out before it.
 * @throws EdgeError `package_missing`, `version_mismatch`, `docker_unavailable`, `cloudflare_login`.
 */
export async function checkProject(
  project: Project,
  config: ProjectConfig,
  { dryRun, containersRollout }: Plan,
  context: Context,
): Promise<void> {
  const passed = (what: string) => context.stderr.write(`ok: ${what}\n`);
  passed(`wrangler ${needPackage(project, "wrangler").version}`);
  assertVersions(project);
  passed(`claude-edge ${__VERSION__} everywhere`);
  if (containersRollout !== "none" && buildsImage(config)) {
    await assertDocker(context);
    passed("Docker");
  }
  if (dryRun) return;
  await assertLoggedIn(project, context);
  passed("wrangler is logged in");
}

/** Worker and container speak one protocol, and this program with both. @throws EdgeError */
function assertVersions(project: Project): void {
  const found = [
    ...NEEDED.map((name) => ({ name, ...needPackage(project, name) })),
    ...OPTIONAL.flatMap((name) => {
      const one = findPackage(project, name);
      return one ? [{ name, ...one }] : [];
    }),
  ];
  const differing = found.filter(({ version }) => version !== __VERSION__);
  if (differing.length === 0) return;
  const names = differing.map(({ name, version }) => `${name} ${version}`).join(", ");
  throw new EdgeError("version_mismatch", `claude-edge is ${__VERSION__}, but ${names}.`);
}

/** An image of a registry needs no building. */
function buildsImage({ containers = [] }: ProjectConfig): boolean {
  return containers.some(({ image, images = {} }) => {
    const isPath = image !== undefined && !/^[\w-]+(\.[\w-]+)+(:\d+)?\//.test(image);
    return isPath || Object.values(images).some(({ dockerfile }) => dockerfile !== undefined);
  });
}

/** @throws EdgeError `docker_unavailable`, `aborted`. */
async function assertDocker({ env, signal }: Context): Promise<void> {
  const { program, problem } = await findDocker(env, signal);
  if (signal.aborted) throw stopped();
  if (problem === undefined) return;
  const message =
    problem === "missing"
      ? `${program} is not installed.`
      : `\`${program} info\` names no version: the Docker daemon does not run.`;
  throw new EdgeError("docker_unavailable", message);
}

/**
 * The secrets that the deployment lacks: the root key is made, others come from the environment or are asked for. They
 * go with the upload, since a Worker that does not exist yet cannot have any.
 * @throws EdgeError `secret_missing`, `usage`, `aborted`.
 */
export async function missingSecrets(
  project: Project,
  config: ProjectConfig,
  context: Context,
): Promise<{ values: Record<string, string>; isFirst: boolean }> {
  const set = await listSecretNames(project, context);
  const required = config.secrets?.required ?? [];
  const names = [ROOT_KEY, ...required].filter((name) => !set?.includes(name));
  assertOneKind(names, set ?? []);
  if (!MODEL_SECRETS.some((name) => set?.includes(name) || required.includes(name))) {
    names.push(await modelSecretName(context));
  }
  const values: Record<string, string> = {};
  for (const name of new Set(names)) {
    const value = await valueOf(name, context);
    assertKind(name, value);
    values[name] = value;
  }
  const given = Object.keys(values).join(", ");
  context.stderr.write(given ? `ok: secrets, with the new ${given}\n` : "ok: secrets\n");
  return { values, isFirst: set === undefined };
}

/** The list of wrangler.jsonc names one kind of credential while another is set. @throws EdgeError `secret_missing`. */
function assertOneKind(missing: string[], set: string[]): void {
  const required = MODEL_SECRETS.find((name) => missing.includes(name));
  const other = MODEL_SECRETS.find((name) => set.includes(name));
  if (!required || !other) return;
  const message = `${other} is set, but secrets.required of the wrangler config says ${required}: change it there.`;
  throw new EdgeError("secret_missing", message);
}

/** Any of them will do. */
async function modelSecretName(context: Context): Promise<string> {
  const named = MODEL_SECRETS.find((name) => context.env[name]);
  if (named) return named;
  if (canAsk(context)) {
    const chosen = await chooseModelSecret(context);
    if (chosen === undefined) throw stopped();
    return chosen;
  }
  throw new EdgeError("secret_missing", `None of ${MODEL_SECRETS.join(", ")} is set.`);
}

async function valueOf(name: string, context: Context): Promise<string> {
  const given = context.env[name];
  if (given) {
    context.stderr.write(`note: ${name} of the environment becomes the deployment's\n`);
    return given;
  }
  if (name === ROOT_KEY) return newRootKey();
  if (!canAsk(context)) throw new EdgeError("secret_missing", `The secret ${name} is not set.`);
  const typed = await askSecret(name, context);
  if (typed === undefined) throw stopped();
  return typed;
}
