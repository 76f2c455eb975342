import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

import { ClaudeEdge } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { temporaryFolderOf, write, writeJson, type Context } from "../context.js";
import { checkProject } from "../deploy/checks.js";
import { askHello, waitForHealth } from "../deploy/probe.js";
import { listSecretNames, missingSecrets } from "../deploy/secrets.js";
import { runWrangler, type WranglerRecord } from "../deploy/wrangler.js";
import { needPackage } from "../project/packages.js";
import { findProject, readProjectConfig, type Project } from "../project/project.js";
import { ROOT_KEY } from "../secrets/credentials.js";
import { writePrivateFile } from "../secrets/private-file.js";
import { readConfig, saveDeployment } from "../target/profiles.js";
import { findTarget } from "../target/target.js";
import { deploymentUrl } from "../target/url.js";

export interface DeployFlags {
  containersRollout?: string;
  dryRun?: boolean;
  json?: boolean;
  /** False with `--no-query`. */
  query: boolean;
  url?: string;
}

/** `claude-edge deploy`. Gives the exit code. */
export async function deploy(
  folder: string,
  flags: DeployFlags,
  context: Context,
): Promise<number> {
  const given = flags.url === undefined ? undefined : deploymentUrl(flags.url);
  const project = findProject(folder, context.cwd);
  const config = await readProjectConfig(project, context);
  // A root key could not be saved in what cannot be read.
  if (!flags.dryRun) readConfig(context);
  await checkProject(project, config, flags, context);
  if (flags.dryRun) {
    await runDeploy(project, flags, {}, context);
    return EXIT.ok;
  }
  const { values, isFirst } = await missingSecrets(project, config, context);
  const upload = async () => {
    const record = await runDeploy(project, flags, values, context);
    const url = given ?? urlOf(record);
    const worker = record.worker_name ?? config.name ?? "default";
    // Before anything is asked of it: a root key that is lost is a deployment without a way in.
    const profile =
      ROOT_KEY in values ? saveDeployment(worker, url, values[ROOT_KEY]!, context) : undefined;
    return { record, url, worker, profile };
  };
  const { record, url, worker, profile } = await upload().catch(async (error: unknown) => {
    if (ROOT_KEY in values) await tellLostKey(project, context);
    throw error;
  });
  if (profile) context.stderr.write(`ok: the root key is saved in profile ${profile}\n`);

  const { version } = needPackage(project, "@claude-edge/worker");
  await waitForHealth(url, version, context);
  const answer = await ask(url, isFirst, flags, context);
  await printDeployed({ url, worker, record, profile, answer }, flags, context);
  return EXIT.ok;
}

/** wrangler uploads the Worker, secrets and all, before it is done with the containers. */
async function tellLostKey(project: Project, context: Context): Promise<void> {
  const names = await listSecretNames(project, context).catch(() => [ROOT_KEY]);
  if (!names?.includes(ROOT_KEY)) return;
  context.stderr.write(
    `note: the Worker may have got a root key by now that is saved nowhere; next: claude-edge secrets set ${ROOT_KEY}\n`,
  );
}

/** Runs `wrangler deploy`. @throws EdgeError `wrangler_failed`, `aborted`. */
async function runDeploy(
  project: Project,
  { dryRun, containersRollout }: DeployFlags,
  secrets: Record<string, string>,
  context: Context,
): Promise<WranglerRecord> {
  const args = ["deploy"];
  if (dryRun) args.push("--dry-run");
  if (containersRollout !== undefined) args.push("--containers-rollout", containersRollout);
  const temp = mkdtempSync(join(temporaryFolderOf(context), "claude-edge-"));
  const remove = () => rmSync(temp, { recursive: true, force: true });
  const removed = context.onQuit(remove);
  try {
    if (Object.keys(secrets).length > 0) {
      const path = join(temp, "secrets.json");
      writePrivateFile(path, JSON.stringify(secrets));
      args.push("--secrets-file", path);
    }
    const { code, records } = await runWrangler(project, args, { output: "stderr" }, context);
    const record = records.find(({ type }) => type === "deploy");
    if (code === 0 && record) return record;
    throw new EdgeError("wrangler_failed", "wrangler deploy failed.");
  } finally {
    removed();
    remove();
  }
}

/** Where it answers: its own domain, else workers.dev. @throws EdgeError `usage`. */
function urlOf({ targets = [] }: WranglerRecord): string {
  const hosts = targets.map((target) => /^([\w.-]+) \(custom domain/.exec(target)?.[1]);
  const own = hosts.find((host) => host !== undefined);
  const url =
    own === undefined ? targets.find((target) => target.startsWith("https://")) : `https://${own}`;
  if (url !== undefined) return deploymentUrl(url);
  const message = "It is deployed, but wrangler names no address it answers at: pass --url.";
  throw new EdgeError("usage", message);
}

/** One question, with the key that is known for the deployment; nothing when it is not to be asked. */
async function ask(
  url: string,
  isFirst: boolean,
  { query, containersRollout }: DeployFlags,
  context: Context,
): Promise<string | undefined> {
  if (!query) return undefined;
  if (isFirst && containersRollout === "none") {
    context.stderr.write("note: it has no containers yet, so it is asked nothing\n");
    return undefined;
  }
  const { token, account } = findTarget({ url }, context);
  if (!token) {
    context.stderr.write(
      `note: its key is not known here, so it is asked nothing; next: claude-edge login ${url}\n`,
    );
    return undefined;
  }
  const edge = new ClaudeEdge({
    baseURL: url,
    token: token.value,
    account: account?.value,
    maxRetries: 0,
  });
  return askHello(edge, context);
}

interface Deployed {
  url: string;
  worker: string;
  record: WranglerRecord;
  profile: string | undefined;
  answer: string | undefined;
}

async function printDeployed(
  { url, worker, record, profile, answer }: Deployed,
  { json }: DeployFlags,
  { stdout }: Context,
): Promise<void> {
  const optional = { profile: profile ?? null, answer: answer ?? null };
  const all = { url, worker, version_id: record.version_id ?? null, ...optional };
  await (json ? writeJson(stdout, all) : write(stdout, `${url}\n`));
}
