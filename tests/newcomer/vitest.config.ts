import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/newcomer/*.test.ts"],
    // Packages are installed from a registry, which may be slow.
    testTimeout: 400_000,
    hookTimeout: 400_000,
    // One story: a test begins where the last one ended.
    fileParallelism: false,
    bail: 1,
  },
});
