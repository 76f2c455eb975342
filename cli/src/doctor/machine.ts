import type { Context } from "../context.js";
import { findDocker } from "../deploy/docker.js";
import { ok, warn, type Finding } from "./finding.js";

/** An older one does not get here: bin.ts refuses it. */
export const checkNode = (): Finding => ok(`Node.js ${process.versions.node}`);

const USED_FOR = "`claude-edge dev` needs none; deploying a Dockerfile and `dev --docker` do";

/** The Docker that wrangler would use. */
export async function checkDocker(env: Context["env"], signal: AbortSignal): Promise<Finding> {
  const { program, version, problem } = await findDocker(env, signal);
  if (problem === undefined) return ok(`Docker ${version}`);
  return problem === "missing"
    ? warn(`${program} is not installed (${USED_FOR})`, "install Docker")
    : warn(
        `${program} is installed, and its daemon does not answer (${USED_FOR})`,
        "start Docker, or Docker Desktop; see with `docker info` what it says",
      );
}
