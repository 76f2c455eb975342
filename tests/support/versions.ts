import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGES = fileURLToPath(new URL("../../packages", import.meta.url));

/** A version of a package, and how far its protocols are from those that are built. */
export interface OtherVersion {
  version: string;
  protocols: 0 | -1;
}

/**
 * Installs a copy of a built package in a project, as another version. The project finds it before the one of this
 * repository; a Worker has it after the next restart, a container from its next start.
 */
export function installVersion(
  project: string,
  name: "runner" | "worker",
  { version, protocols }: OtherVersion,
): void {
  const target = join(project, "node_modules", "@claude-edge", name);
  copy(name, target);
  rewrite(join(target, "dist"), /\bVERSION = "[^"]*"/, `VERSION = "${version}"`);
  const own = join(target, "node_modules", "@claude-edge", "protocol");
  copy("protocol", own);
  for (const file of ["version.js", "runner.js"]) {
    rewrite(
      own,
      /\b(PROTOCOL_VERSION|RUNNER_PROTOCOL) = (\d+)/,
      (_, constant: string, built: string) => `${constant} = ${Number(built) + protocols}`,
      join("dist", file),
    );
  }
}

function copy(name: string, target: string): void {
  for (const part of ["dist", "package.json"]) {
    cpSync(join(PACKAGES, name, part), join(target, part), { recursive: true });
  }
}

/** Replaces a text that must be in one of the scripts of a folder. */
function rewrite(
  folder: string,
  text: RegExp,
  by: string | ((...match: string[]) => string),
  file?: string,
): void {
  const files = file ? [file] : readdirSync(folder).filter((path) => path.endsWith(".js"));
  const found = files.filter((path) => text.test(readFileSync(join(folder, path), "utf8")));
  if (found.length === 0) throw new Error(`nothing in ${folder} says ${text.source}`);
  for (const path of found) {
    const before = readFileSync(join(folder, path), "utf8");
    writeFileSync(join(folder, path), before.replace(text, by as string));
  }
}
