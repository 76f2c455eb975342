import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

export type PackageManagerName = "npm" | "pnpm" | "yarn" | "bun";

/** What differs between package managers. */
export interface PackageManager {
  lockFile: string;
  install: string;
  /** Runs a program of the project's packages. */
  exec: string;
  /** Runs a script of package.json. */
  run: string;
  /** The field of package.json in which dependencies of dependencies are replaced; pnpm has a file for that. */
  overrides?: string;
  /** In the image: installs just what the lock file says, without development's packages. */
  imageInstall: string;
  /** On a build server: the same, with them. */
  ciInstall: string;
  /** Files that it needs beside package.json. */
  files: Record<string, string>;
}

export const PACKAGE_MANAGERS: Record<PackageManagerName, PackageManager> = {
  npm: {
    lockFile: "package-lock.json",
    install: "npm install",
    exec: "npx",
    run: "npm run",
    overrides: "overrides",
    imageInstall: "npm ci --omit=dev --omit=peer --no-audit --no-fund",
    ciInstall: "npm ci",
    files: {},
  },
  pnpm: {
    lockFile: "pnpm-lock.yaml",
    install: "pnpm install",
    exec: "pnpm exec",
    run: "pnpm run",
    imageInstall: "npm install --global pnpm && pnpm install --prod --frozen-lockfile",
    ciInstall: "npm install --global pnpm && pnpm install --frozen-lockfile",
    // Without a word on their install scripts it fails; they only look whether a binary is there.
    files: { "pnpm-workspace.yaml": "allowBuilds:\n  esbuild: true\n  workerd: true\n" },
  },
  yarn: {
    lockFile: "yarn.lock",
    install: "yarn install",
    exec: "yarn",
    run: "yarn run",
    overrides: "resolutions",
    imageInstall:
      "npm install --global --force @yarnpkg/cli-dist && yarn workspaces focus --production",
    ciInstall: "npm install --global --force @yarnpkg/cli-dist && yarn install --immutable",
    // Without it there is no node_modules, which wrangler and the image's second stage want.
    files: { ".yarnrc.yml": "nodeLinker: node-modules\n" },
  },
  bun: {
    lockFile: "bun.lock",
    install: "bun install",
    exec: "bunx",
    run: "bun run",
    overrides: "overrides",
    imageInstall: "npm install --global bun && bun install --production --frozen-lockfile",
    ciInstall: "npm install --global bun && bun install --frozen-lockfile",
    files: {},
  },
};

const isPackageManager = (name: string): name is PackageManagerName =>
  Object.hasOwn(PACKAGE_MANAGERS, name);

/** The one that started this program, where it is not npm; else the one whose lock file is near; else npm. */
export function detectPackageManager(
  env: Record<string, string | undefined>,
  folder: string,
): PackageManagerName {
  const [caller = ""] = (env.npm_config_user_agent ?? "").split("/", 1);
  if (caller !== "npm" && isPackageManager(caller)) return caller;
  return lockedBy(folder) ?? "npm";
}

function lockedBy(folder: string): PackageManagerName | undefined {
  const names = Object.keys(PACKAGE_MANAGERS) as PackageManagerName[];
  const found = names.find((name) => existsSync(join(folder, PACKAGE_MANAGERS[name].lockFile)));
  const parent = dirname(folder);
  return found ?? (parent === folder ? undefined : lockedBy(parent));
}
