import { beforeEach } from "vitest";

import { useStack, type TestStack } from "../../../tests/support/stack.js";
import { API_KEY, useCloudflare, type Cloudflare } from "./cloudflare.js";
import { useFront, type Front } from "./front.js";
import { WORKER } from "./project.js";
import type { Run, RunOptions } from "./run.js";

/** Without a Docker that a test could start. */
export const NONE = ["--containers-rollout", "none"];

/** A real deployment, the Cloudflare that it seems to run on, and `deploy` to bring it there. */
export interface Deployments {
  edge: TestStack;
  /** The deployment's address, where a test can answer in its place. */
  front: Front;
  cloudflare: Cloudflare;
  /** Runs `deploy` with all the secrets it needs, for an account of the file's own. */
  deploy: (args: string[], options?: RunOptions) => Promise<Run>;
  worker: () => NonNullable<ReturnType<Cloudflare["api"]["workers"]["get"]>>;
  uploads: () => ReturnType<Deployments["worker"]>["uploads"];
  /** Has Cloudflare hold the Worker as a deployment leaves it, and the profile know it at `front`. */
  deployed: () => void;
}

export function useDeployments(account: string): Deployments {
  const edge = useStack();
  const front = useFront(() => edge.stack.url);
  const cloudflare = useCloudflare();
  const { api, cli } = cloudflare;
  beforeEach(() => {
    front.onRequest = () => false;
  });
  return {
    edge,
    front,
    cloudflare,
    deploy: (args, { env, ...options } = {}) =>
      cli(["deploy", ...args], {
        ...options,
        env: {
          ANTHROPIC_API_KEY: API_KEY,
          CLAUDE_EDGE_ROOT_KEY: edge.stack.token,
          CLAUDE_EDGE_ACCOUNT: account,
          ...env,
        },
      }),
    worker: () => api.workers.get(WORKER)!,
    uploads: () => [...api.workers.values()].flatMap((one) => one.uploads),
    deployed: () => {
      api.workers.set(WORKER, {
        secrets: new Map([
          ["CLAUDE_EDGE_ROOT_KEY", edge.stack.token],
          ["ANTHROPIC_API_KEY", API_KEY],
        ]),
        uploads: [
          {
            metadata: {
              main_module: "worker.js",
              bindings: [],
              compatibility_date: "2026-10-01",
              containers: [{ name: "my-agent-containerdo", class_name: "ContainerDO" }],
              migrations: { new_tag: "v1" },
            },
            parts: [],
          },
        ],
      });
      cloudflare.home.write({ profiles: { mine: { url: front.url, token: edge.stack.token } } });
    },
  };
}
