import { execFile } from "node:child_process";

import type { Context } from "../context.js";
import { findDocker } from "../deploy/docker.js";
import { ok, warn, type Finding } from "./finding.js";

/** An older one does not get here: bin.ts refuses it. */
export const checkNode = (): Finding => ok(`Node.js ${process.versions.node}`);

const USED_FOR = "`claude-edge dev` needs none; deploying a Dockerfile and `dev --docker` do";

/** What `docker buildx version` says; wrangler builds with its flags. */
function findBuildx(
  program: string,
  env: Context["env"],
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { env, signal, killSignal: "SIGKILL" } as const;
    execFile(program, ["buildx", "version"], options, (error, stdout) => {
      const [, version] = /(\d+\.\d+\.\d+)/.exec(stdout) ?? [];
      resolve(error ? undefined : `buildx ${version ?? "of an unknown version"}`);
    });
  });
}

/** The Docker that wrangler would use. */
export async function checkDocker(env: Context["env"], signal: AbortSignal): Promise<Finding> {
  const { program, version, problem } = await findDocker(env, signal);
  if (problem === undefined) {
    const buildx = await findBuildx(program, env, signal);
    return buildx === undefined
      ? warn(
          `Docker ${version} is without buildx, which builds the image (${USED_FOR})`,
          "install the plugin docker-buildx-plugin, or Docker Desktop; `docker buildx version` must work",
        )
      : ok(`Docker ${version}, ${buildx}`);
  }
  return problem === "missing"
    ? warn(`${program} is not installed (${USED_FOR})`, "install Docker")
    : warn(
        `${program} is installed, and its daemon does not answer (${USED_FOR})`,
        "start Docker, or Docker Desktop; see with `docker info` what it says",
      );
}
