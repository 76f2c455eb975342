import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { defineConfig, type Options } from "tsup";

/** The files of each package that its `exports` and `bin` name; declarations come from `tsc --build`. */
const ENTRIES: Record<string, string[]> = {
  "packages/protocol": ["index", "control/index", "errors", "internal", "runner", "wire"],
  "packages/client": ["index", "node"],
  "packages/worker": ["index"],
  "packages/runner": ["index", "bin", "processes", "workspace/thread"],
  "packages/local": ["index", "guardian"],
  cli: ["bin"],
};

interface Manifest {
  version: string;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** Names the version of Claude Code that containers have. */
const agentSdk = JSON.parse(
  readFileSync("node_modules/@anthropic-ai/claude-agent-sdk/package.json", "utf8"),
) as { claudeCodeVersion: string };

/** The CLI is one bundle, for its start-up time: it takes our packages in from their sources. */
const SOURCES = {
  "@claude-edge/client": resolve("packages/client/src/index.ts"),
  "@claude-edge/protocol/control": resolve("packages/protocol/src/control/index.ts"),
  "@claude-edge/protocol/errors": resolve("packages/protocol/src/errors.ts"),
  "@claude-edge/protocol/internal": resolve("packages/protocol/src/internal.ts"),
  "@claude-edge/protocol/wire": resolve("packages/protocol/src/wire.ts"),
  "@claude-edge/protocol": resolve("packages/protocol/src/index.ts"),
};

/** These go out file by file: whoever bundles them leaves out the files that nothing is used of, schemas above all. */
const UNBUNDLED = new Set(["packages/protocol", "packages/client"]);

function options(folder: string, entries: string[]): Options {
  const manifest = JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as Manifest;
  const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  const isCli = folder === "cli";
  return {
    name: folder,
    ...(UNBUNDLED.has(folder)
      ? { entry: [`${folder}/src/**/*.ts`, `!${folder}/src/**/*.test.ts`], bundle: false }
      : {
          entry: Object.fromEntries(entries.map((entry) => [entry, `${folder}/src/${entry}.ts`])),
        }),
    outDir: `${folder}/dist`,
    format: "esm",
    target: "es2022",
    splitting: true,
    clean: true,
    sourcemap: !isCli,
    minify: isCli,
    define: {
      __VERSION__: JSON.stringify(manifest.version),
      __CLAUDE_CODE_VERSION__: JSON.stringify(agentSdk.claudeCodeVersion),
    },
    external: [...dependencies.map((name) => new RegExp(`^${name}(/|$)`)), "cloudflare:workers"],
    silent: true,
    ...(isCli ? { esbuildOptions: (esbuild) => void (esbuild.alias = SOURCES) } : {}),
  };
}

export default defineConfig(
  Object.entries(ENTRIES).map(([folder, entries]) => options(folder, entries)),
);
