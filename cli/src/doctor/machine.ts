import { execFile } from "node:child_process";

import { ok, warn, type Finding } from "./finding.js";

/** An older one does not get here: bin.ts refuses it. */
export const checkNode = (): Finding => ok(`Node.js ${process.versions.node}`);

const USED_FOR = "`claude-edge dev` needs none; deploying a Dockerfile and `dev --docker` do";

/** The Docker that wrangler would use. */
export async function checkDocker(
  env: Record<string, string | undefined>,
  signal: AbortSignal,
): Promise<Finding> {
  const program = env.WRANGLER_DOCKER_BIN || "docker";
  const { error, stdout } = await run(program, ["info", "--format", "{{.ServerVersion}}"], signal);
  if (error?.code === "ENOENT") {
    return warn(`${program} is not installed (${USED_FOR})`, "install Docker");
  }
  const version = stdout.trim();
  if (error || version === "") {
    return warn(
      `${program} is installed, and its daemon does not answer (${USED_FOR})`,
      "start Docker, or Docker Desktop; see with `docker info` what it says",
    );
  }
  return ok(`Docker ${version}`);
}

function run(program: string, args: string[], signal: AbortSignal) {
  return new Promise<{ error: { code?: unknown } | null; stdout: string }>((resolve) => {
    execFile(program, args, { signal, killSignal: "SIGKILL" }, (error, stdout) =>
      resolve({ error, stdout }),
    );
  });
}
