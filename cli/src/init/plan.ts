import { readFileSync } from "node:fs";
import { join } from "node:path";

import { newRootKey } from "../secrets/credentials.js";
import type { InitOptions } from "./options.js";
import { packageFolder } from "./package-folder.js";
import { PACKAGE_MANAGERS, type PackageManager } from "./package-managers.js";
import { vendored } from "./vendor.js";
import { wranglerConfig } from "./wrangler-config.js";

/** A file of the project, its text whole. */
export interface PlannedFile {
  /** Below the project's folder, with slashes. */
  path: string;
  text: string;
  /** For its owner's eyes. */
  isSecret?: boolean;
}

/** The template's files, each named: what else lies in that folder goes into nobody's project. */
const TEMPLATE_FILES = [
  ".claude/CLAUDE.md",
  ".claude/skills/release-notes/SKILL.md",
  ".dockerignore",
  ".github/workflows/deploy.yml",
  "AGENTS.md",
  "Dockerfile",
  "Dockerfile.server",
  "README.md",
  "_gitignore",
  "agent.config.ts",
  "compose.yaml",
  "package.json",
  "src/worker.ts",
  "test/agent.test.ts",
  "tsconfig.json",
  "wrangler.jsonc",
] as const;

type TemplateFile = (typeof TEMPLATE_FILES)[number];

/** npm leaves these out of a package, or takes them for its own. */
const RENAMED: Partial<Record<TemplateFile, string>> = { _gitignore: ".gitignore" };

/** What the project will hold; with `isVendored`, of our packages those in its vendor folder. */
export function planFiles(
  options: InitOptions,
  { version, isVendored }: { version: string; isVendored: boolean },
): PlannedFile[] {
  const manager = PACKAGE_MANAGERS[options.packageManager];
  const ours = isVendored ? vendored(version) : undefined;
  const write: Partial<Record<TemplateFile, (text: string) => string>> = {
    "package.json": (text) => packageJson(text, options, ours),
    "wrangler.jsonc": (text) => wranglerConfig(text, options),
    "compose.yaml": (text) =>
      text.replace("containerdo:", IMAGES[options.scheduling]).replaceAll("my-agent", options.name),
    "README.md": (text) => inWordsOf(manager, text.replaceAll("my-agent", options.name)),
    "AGENTS.md": (text) => inWordsOf(manager, text),
    ".github/workflows/deploy.yml": (text) => inWordsOf(manager, text),
    Dockerfile: (text) => dockerfile(text, manager, isVendored),
    "Dockerfile.server": (text) => dockerfile(text, manager, isVendored),
  };
  const template = join(packageFolder(), "template");
  const files: PlannedFile[] = TEMPLATE_FILES.map((path) => {
    const text = readFileSync(join(template, path), "utf8");
    return { path: RENAMED[path] ?? path, text: write[path]?.(text) ?? text };
  });
  for (const [path, text] of Object.entries(manager.files)) {
    files.push({ path, text: path === PNPM_SETTINGS && ours ? text + pnpmOverrides(ours) : text });
  }
  files.push({ path: ".dev.vars", text: devVars(), isSecret: true });
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** What workerd calls the image in local development; the second is wrangler's hash of the class and the image's name. */
const IMAGES = { default: "containerdo:", durable_object: "containerdo-agent-f4f71a55bba3:" };

/** pnpm has its settings here, and not in package.json. */
const PNPM_SETTINGS = "pnpm-workspace.yaml";

const pnpmOverrides = (ours: Record<string, string>) =>
  `overrides:\n${Object.entries(ours)
    .map(([name, spec]) => `  "${name}": ${spec}\n`)
    .join("")}`;

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  [field: string]: unknown;
}

function packageJson(
  text: string,
  { name, packageManager }: InitOptions,
  ours: Record<string, string> | undefined,
): string {
  const manifest: Manifest = { ...(JSON.parse(text) as Manifest), name };
  if (ours) {
    manifest.dependencies["@claude-edge/protocol"] = "";
    for (const list of [manifest.dependencies, manifest.devDependencies]) {
      for (const dependency of Object.keys(list))
        list[dependency] = ours[dependency] ?? list[dependency]!;
    }
    // The packages name each other by version, and no registry has that version.
    const field = PACKAGE_MANAGERS[packageManager].overrides;
    if (field) manifest[field] = ours;
  }
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** The lines that install packages in the image. */
function dockerfile(text: string, manager: PackageManager, isVendored: boolean): string {
  const npm = PACKAGE_MANAGERS.npm;
  const more = [...Object.keys(manager.files), manager.lockFile];
  const copied = `COPY package.json ${more.join(" ")} ./`;
  return text
    .replace(
      `COPY package.json ${npm.lockFile} ./`,
      copied + (isVendored ? "\nCOPY vendor ./vendor" : ""),
    )
    .replace(npm.imageInstall, manager.imageInstall)
    .replace(`${npm.ciInstall} --no-audit --no-fund`, manager.ciInstall);
}

/** The template speaks of npm. */
const inWordsOf = (manager: PackageManager, text: string) =>
  text
    .replaceAll("npm install", manager.install)
    .replaceAll("npm ci", manager.ciInstall)
    .replaceAll("npm run ", `${manager.run} `)
    .replaceAll("npm test", `${manager.run} test`)
    .replaceAll("npx ", `${manager.exec} `);

const devVars = () => `# What the deployment's secrets are on this machine. Never to be committed.
# The key of the deployment, this one for local use. \`claude-edge deploy\` makes another.
CLAUDE_EDGE_ROOT_KEY=${newRootKey()}
# The model's key: without one a scripted model answers.
# ANTHROPIC_API_KEY=
`;
