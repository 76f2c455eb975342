import { spawnSync } from "node:child_process";

import type { Context } from "../context.js";
import { findDocker } from "../deploy/docker.js";
import type { InitOptions } from "./options.js";

/** What a person should know before going on. */
export interface Finding {
  isGood: boolean;
  text: string;
}

const COMMAND_MS = 5_000;

const runs = (command: string, args: string[], env: Context["env"]) =>
  spawnSync(command, args, {
    env,
    stdio: "ignore",
    timeout: COMMAND_MS,
    shell: process.platform === "win32",
  }).status === 0;

/** What this machine has of what the project wants. Nothing of it keeps `dev` from running but the package manager. */
export async function checkMachine(
  { packageManager }: InitOptions,
  { env, signal }: Context,
): Promise<Finding[]> {
  const hasManager = runs(packageManager, ["--version"], env);
  const { version } = await findDocker(env, signal);
  return [
    { isGood: true, text: `Node.js ${process.versions.node}` },
    hasManager
      ? { isGood: true, text: packageManager }
      : { isGood: false, text: `${packageManager} is not installed here` },
    version === undefined
      ? { isGood: false, text: "Docker does not run: dev needs none, dev --docker and deploy do" }
      : { isGood: true, text: `Docker ${version}` },
  ];
}
