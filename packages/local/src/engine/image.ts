import { spawn } from "node:child_process";
import { dirname, resolve } from "node:path";

import { EdgeError } from "@claude-edge/protocol";
import { unstable_readConfig as readConfig } from "wrangler";

/** A container of wrangler's config, as far as it says what its image is built of. */
interface ContainerConfig {
  image?: string;
  image_build_context?: string;
  images?: Record<string, { dockerfile?: string; build_context?: string }>;
}

/** Where the images of a project's containers come from. */
function dockerfilesOf(configPath: string): { dockerfile: string; context: string }[] {
  const { containers } = readConfig({ config: configPath }, { hideWarnings: true });
  const folder = dirname(configPath);
  return ((containers ?? []) as ContainerConfig[])
    .flatMap(({ image, image_build_context, images = {} }) => [
      { dockerfile: image, build_context: image_build_context },
      ...Object.values(images),
    ])
    .flatMap(({ dockerfile, build_context }) => {
      if (dockerfile === undefined) return [];
      const path = resolve(folder, dockerfile);
      return [{ dockerfile: path, context: resolve(folder, build_context ?? dirname(path)) }];
    });
}

/**
 * Builds the images of a project's containers. wrangler builds them too, out of the layers that are there then, and
 * names them; but it starts the Worker whether that went well or not.
 * @throws EdgeError `image_build_failed`.
 */
export async function buildImages(
  configPath: string,
  onOutput: (text: string) => void,
): Promise<void> {
  for (const { dockerfile, context } of dockerfilesOf(configPath)) {
    const docker = process.env.WRANGLER_DOCKER_BIN ?? "docker";
    const args = ["build", "--platform", "linux/amd64", "--file", dockerfile, context];
    const child = spawn(docker, args, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", onOutput);
    }
    const failure = await new Promise<string | undefined>((done) => {
      child.once("error", (error) => done(error.message));
      child.once("close", (code) => done(code === 0 ? undefined : `it ended with ${code}`));
    });
    if (failure === undefined) continue;
    throw new EdgeError("image_build_failed", `docker build of ${dockerfile} failed: ${failure}.`);
  }
}
