import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/docker/*.test.ts"],
    // Images are built and containers started; a busy machine takes its time.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // One story: a test begins where the last one ended.
    fileParallelism: false,
    bail: 1,
  },
});
