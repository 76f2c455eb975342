import { readFileSync } from "node:fs";

import type { DeploymentStatus } from "@claude-edge/protocol";
import { expect } from "vitest";

import type { TestStack } from "./stack.js";

const versionIn = (path: string) =>
  (JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as { version: string }).version;

export const VERSION: string = versionIn("../../packages/runner/package.json");
export const SDK_VERSION: string = versionIn(
  "../../node_modules/@anthropic-ai/claude-agent-sdk/package.json",
);

/** What `GET /v1/status` tells of an account. */
export async function statusOf(
  edge: TestStack,
  account: string,
  query = "",
): Promise<DeploymentStatus> {
  const response = await edge.fetch(`/v1/status${query}`, { account });
  expect(response.status).toBe(200);
  return (await response.json()) as DeploymentStatus;
}
