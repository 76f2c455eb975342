import { EdgeError } from "@claude-edge/protocol/errors";

import { stopped, type Context } from "../context.js";
import type { Project, ProjectConfig } from "../project/project.js";
import { assertKind, MODEL_SECRETS, newRootKey, ROOT_KEY } from "../secrets/credentials.js";
import { askSecret, chooseModelSecret } from "../secrets/input.js";
import { canAsk } from "../terminal/prompts.js";
import { runWrangler, throwFailure } from "./wrangler.js";

/** The names of the secrets that are set; undefined when there is no Worker yet. @throws EdgeError */
export async function listSecretNames(
  project: Project,
  context: Context,
): Promise<string[] | undefined> {
  const run = await runWrangler(project, ["secret", "list", "--format", "json"], {}, context);
  if (run.code === 0) {
    return (JSON.parse(run.stdout) as { name: string }[]).map(({ name }) => name);
  }
  const isMissing = run.records.some(({ message }) => /^Worker ".*" not found/.test(message ?? ""));
  return isMissing ? undefined : throwFailure("secret list", run, project, context);
}

/** Sets secrets of the deployment, and takes away those that are null. @throws EdgeError */
export async function putSecrets(
  values: Record<string, string | null>,
  project: Project,
  context: Context,
): Promise<void> {
  const input = JSON.stringify(values);
  const run = await runWrangler(project, ["secret", "bulk"], { input }, context);
  if (run.code !== 0) await throwFailure("secret bulk", run, project, context);
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
