import { execFileSync, spawnSync } from "node:child_process";

/** Whether an engine answers: without one there is nothing to test here. */
export const hasDocker: boolean = spawnSync("docker", ["info"], { stdio: "ignore" }).status === 0;

export const docker = (...args: string[]): string =>
  execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();

/** What drives images and networks here: the variables that Docker and wrangler are told by. */
export const dockerEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    ["DOCKER_HOST", "WRANGLER_DOCKER_BIN", "MINIFLARE_CONTAINER_EGRESS_IMAGE"].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** wrangler may be given a docker of its own to build with. */
export const builder = (): string => process.env.WRANGLER_DOCKER_BIN ?? "docker";

/** The agents' containers that run, their sidecars left out. */
export const agents = (image: string): string[] =>
  docker("ps", "--format", "{{.ID}} {{.Image}}")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, name]) => name?.includes(image))
    .map(([id]) => id!);
