import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { EdgeError } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { packageFolder } from "./package-folder.js";

/** Our packages, and where a source checkout has them. */
const PACKAGES = {
  "@claude-edge/client": "packages/client",
  "@claude-edge/local": "packages/local",
  "@claude-edge/protocol": "packages/protocol",
  "@claude-edge/runner": "packages/runner",
  "@claude-edge/worker": "packages/worker",
  "claude-edge": "cli",
} as const;

const ROOT = "claude-edge-monorepo";

/** The source checkout this program runs from; undefined when it was installed as a package. */
export function sourceCheckout(): string | undefined {
  const root = dirname(packageFolder());
  const path = join(root, "package.json");
  if (!existsSync(path)) return undefined;
  const { name } = JSON.parse(readFileSync(path, "utf8")) as { name?: string };
  return name === ROOT ? root : undefined;
}

/** What takes the place of versions in a project that is made from a source checkout: packages that are not published. */
export const vendored = (version: string): Record<string, string> =>
  Object.fromEntries(
    Object.keys(PACKAGES).map((name) => [name, `file:vendor/${tarball(name, version)}`]),
  );

const tarball = (name: string, version: string) =>
  `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;

/** Packs them into a folder. @throws EdgeError `package_missing` when they are not built. */
export function packInto(folder: string, root: string, env: Context["env"]): void {
  mkdirSync(folder, { recursive: true });
  const folders = Object.values(PACKAGES).map((path) => join(root, path));
  const unbuilt = folders.find((path) => !existsSync(join(path, "dist")));
  if (unbuilt !== undefined) {
    const message = `${unbuilt} is not built: npm run build, in ${root}.`;
    throw new EdgeError("package_missing", message);
  }
  const args = ["pack", ...folders, "--pack-destination", folder, "--silent", "--ignore-scripts"];
  const options = { cwd: root, env, stdio: ["ignore", "ignore", "pipe"] as const };
  // On Windows npm is a script, which only a shell runs; there is nothing of the user's in the arguments.
  execFileSync("npm", args, {
    ...options,
    stdio: [...options.stdio],
    shell: process.platform === "win32",
  });
}
