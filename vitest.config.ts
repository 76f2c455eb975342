import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "cli/test/**/*.test.ts", "tests/**/*.test.ts"],
    // Each integration file runs workerd, containers and claude processes; the machines have two cores.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
