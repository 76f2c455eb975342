import { beforeAll, beforeEach } from "vitest";

import { useCloudflareApi, type CloudflareApi, type FakeWorker } from "./cloudflare-api.js";
import { makeHome, type Home } from "./home.js";
import { traceSecrets, useProjects, WORKER, type Traces } from "./project.js";
import { useCli, type Run, type RunOptions } from "./run.js";

export const API_KEY = "sk-ant-api03-0123456789abcdef";

/** A project, and the Cloudflare that it is deployed to. */
export interface Cloudflare {
  api: CloudflareApi;
  empty: string;
  makeProject: ReturnType<typeof useProjects>;
  /** One project for all tests of the file. */
  readonly project: string;
  /** Each test's own. */
  readonly home: Home;
  /** Each test's own. */
  readonly traces: Traces;
  /** For the CLI, and the wrangler that it runs. */
  env: () => Record<string, string>;
  /** Runs the CLI in the project's folder. */
  cli: (args: string[], options?: RunOptions) => Promise<Run>;
  /** The project's Worker as it is after a deployment, with these secrets. */
  deployed: (secrets?: Record<string, string>) => FakeWorker;
}

export function useCloudflare(): Cloudflare {
  const { empty, run } = useCli();
  const api = useCloudflareApi();
  const makeProject = useProjects();
  let [project, home, traces]: [string?, Home?, Traces?] = [];
  beforeAll(() => {
    project = makeProject();
  });
  beforeEach(() => {
    home = makeHome(empty);
    traces = traceSecrets(home.env.HOME);
  });
  const environment = () => ({ ...home!.env, ...traces!.env, ...api.env });
  return {
    api,
    empty,
    makeProject,
    get project() {
      return project!;
    },
    get home() {
      return home!;
    },
    get traces() {
      return traces!;
    },
    env: environment,
    cli: (args, { env, ...options } = {}) =>
      run(args, { cwd: project!, ...options, env: { ...environment(), ...env } }),
    deployed: (secrets = {}) => {
      const worker = { secrets: new Map(Object.entries(secrets)), uploads: [] };
      api.workers.set(WORKER, worker);
      return worker;
    },
  };
}
