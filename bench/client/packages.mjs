/** What the client is put beside: installed when it is wanted, into a cache; never a dependency of this repository. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CACHE = join(ROOT, "node_modules/.cache/bench");

/** `entries`: what a program imports. `main`: what of it a bundle is made of. */
export const PACKAGES = {
  edge: {
    name: "@claude-edge/client",
    entries: ["@claude-edge/client"],
    main: 'export { ClaudeEdge } from "@claude-edge/client"',
  },
  anthropic: {
    name: "@anthropic-ai/sdk 1.10.0",
    install: ["@anthropic-ai/sdk@1.10.0"],
    entries: ["@anthropic-ai/sdk"],
    main: 'export { default } from "@anthropic-ai/sdk"',
  },
  openai: {
    name: "openai 7.55.0",
    install: ["openai@7.55.0"],
    entries: ["openai"],
    main: 'export { default } from "openai"',
  },
  ai: {
    name: "ai 7.0.173 + @ai-sdk/anthropic",
    install: ["ai@7.0.173", "@ai-sdk/anthropic@4.0.105", "zod@4.6.7"],
    entries: ["ai", "@ai-sdk/anthropic"],
    main: 'export { streamText } from "ai"; export { createAnthropic } from "@ai-sdk/anthropic"',
  },
  opencode: {
    name: "@opencode-ai/sdk 1.19.3 (/client)",
    install: ["@opencode-ai/sdk@1.19.3"],
    entries: ["@opencode-ai/sdk/client"],
    main: 'export { createOpencodeClient } from "@opencode-ai/sdk/client"',
  },
};

/** The module that imports on a package's behalf: from its own folder, so that the package is found. */
export const LOADER = "load.mjs";

/**
 * Where the packages are: of each its `folder`, or the `problem` with it. Ours is the workspace, as it was built.
 */
export function installPackages() {
  const places = {};
  for (const [id, { install }] of Object.entries(PACKAGES)) {
    places[id] = install ? place(install) : { folder: ROOT };
  }
  return places;
}

function place(specs) {
  const folder = join(CACHE, specs.join("+").replaceAll("/", "-"));
  // Written last: a folder without it is an installation that broke off.
  if (existsSync(join(folder, LOADER))) return { folder };
  const problem = installInto(folder, specs);
  if (problem) return { problem };
  writeFileSync(join(folder, LOADER), "export const load = (name) => import(name);\n");
  return { folder };
}

/** A fresh installation. Gives what went wrong. */
export function installInto(folder, specs) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const patience = ["--fetch-retries=1", "--fetch-timeout=30000"];
  const args = ["install", "--prefix", folder, ...quiet, ...patience, ...specs];
  // Not in this repository's folder: npm would take it for one of its workspaces.
  const { status, stderr, error } = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
  if (status === 0) return undefined;
  const code = /npm error code (\w+)/.exec(stderr ?? "")?.[1];
  return `npm install failed: ${code ?? error?.message ?? `exit ${status}`}`;
}

/** Packages in an installation and their size, MB. */
export function sizeOf(folder) {
  const modules = join(folder, "node_modules");
  const lock = JSON.parse(readFileSync(join(modules, ".package-lock.json"), "utf8"));
  const entries = readdirSync(modules, { recursive: true, withFileTypes: true });
  const bytes = entries
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  return { packages: Object.keys(lock.packages).length, megabytes: bytes / 1e6 };
}
