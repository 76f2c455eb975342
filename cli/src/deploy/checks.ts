import { EdgeError } from "@claude-edge/protocol/errors";

import { stopped, type Context } from "../context.js";
import { findOwnPackages, listed, needPackage } from "../project/packages.js";
import type { Project, ProjectConfig } from "../project/project.js";
import { findDocker } from "./docker.js";
import { assertLoggedIn } from "./wrangler.js";

declare const __VERSION__: string;

interface Plan {
  containersRollout?: string;
  dryRun?: boolean;
}

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

/** @throws EdgeError `package_missing`, `version_mismatch`. */
function assertVersions(project: Project): void {
  const { missing, differing } = findOwnPackages(project);
  for (const name of missing) needPackage(project, name);
  if (differing.length === 0) return;
  const message = `claude-edge is ${__VERSION__}, but ${listed(differing)}.`;
  throw new EdgeError("version_mismatch", message);
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
