import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "cli/test/**/*.test.ts", "tests/**/*.test.ts"],
    // Those want an engine, or a registry, and have commands of their own.
    exclude: ["**/node_modules/**", "**/.test-projects/**", "tests/docker/**", "tests/newcomer/**"],
    // Each integration file runs workerd, containers and claude processes; the machines have two cores.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
