import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const { version } = JSON.parse(readFileSync(at("cli/package.json"), "utf8")) as { version: string };

/** Unit tests need no build: these packages come from their sources. */
const SOURCES = {
  "@claude-edge/client/agent-sdk": "packages/client/src/agent-sdk.ts",
  "@claude-edge/client/node": "packages/client/src/node.ts",
  "@claude-edge/client/tokens": "packages/client/src/mint-token.ts",
  "@claude-edge/client/webhooks": "packages/client/src/verify-webhook.ts",
  "@claude-edge/client": "packages/client/src/index.ts",
  "@claude-edge/protocol/control": "packages/protocol/src/control/index.ts",
  "@claude-edge/protocol/errors": "packages/protocol/src/errors.ts",
  "@claude-edge/protocol/internal": "packages/protocol/src/internal.ts",
  "@claude-edge/protocol/runner": "packages/protocol/src/runner.ts",
  "@claude-edge/protocol/wire": "packages/protocol/src/wire.ts",
  "@claude-edge/protocol": "packages/protocol/src/index.ts",
};

const FULL = "**/*.full.test.ts";
const ELSEWHERE = [
  "**/node_modules/**",
  "**/.test-projects/**",
  "tests/docker/**",
  "tests/newcomer/**",
];
const THROUGH_STACKS = [
  "packages/*/test/**/*.test.ts",
  "cli/test/**/*.test.ts",
  "tests/**/*.test.ts",
];

const stacks = {
  globalSetup: "tests/support/stacks/setup.ts",
  // Nothing fails by time alone on a machine that is five times slower.
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  resolve: {
    alias: Object.entries(SOURCES).map(([find, path]) => ({
      find: new RegExp(`^${find}$`),
      replacement: at(path),
    })),
  },
  define: {
    __VERSION__: JSON.stringify(version),
    __CLAUDE_CODE_VERSION__: JSON.stringify("0.0.0"),
  },
  test: {
    // One more than the cores of a small machine: tests wait in between, for 13 % of the time with two workers.
    maxWorkers: 3,
    // Parts that run in the tests' own process log there.
    silent: "passed-only",
    reporters: ["default", at("tests/support/stacks/slowest.ts")],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["packages/*/src/**/*.test.ts", "cli/src/**/*.test.ts", "bench/**/*.test.mjs"],
          isolate: false,
          pool: "threads",
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          ...stacks,
          name: "stacks",
          include: THROUGH_STACKS,
          exclude: [...ELSEWHERE, FULL],
          setupFiles: "tests/support/stacks/guard.ts",
        },
      },
      {
        // What kills, restarts, sleeps or waits: `npm run test:full`.
        extends: true,
        test: { ...stacks, name: "full", include: [FULL], exclude: ELSEWHERE },
      },
    ],
  },
});
