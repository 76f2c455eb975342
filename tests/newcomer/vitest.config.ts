import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/newcomer/*.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // One story: a test begins where the last one ended.
    fileParallelism: false,
    bail: 1,
  },
});
