import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  startLocal,
  startScriptedModel,
  type LocalStack,
  type ScriptedModel,
} from "@claude-edge/local";

import { NO_BUDGET, r2Project, TEMPLATE } from "../project.ts";

/** What a shared stack is started with. */
export interface Configuration {
  vars?: Record<string, string>;
  /** Files go to R2, not to the account's SQLite. */
  r2?: true;
  /** The kind of credential that the stack is given for a model which is not its own. */
  credential?: "ANTHROPIC_AUTH_TOKEN" | "CLAUDE_CODE_OAUTH_TOKEN";
}

/**
 * The stacks that test files share. Each starts when the first file asks for it and lives until the run ends. A new one
 * costs 3 s of CPU: prefer limits of an account (`PATCH /v1/limits`) to a variable of the deployment.
 */
export const CONFIGURATIONS = {
  default: {},
  /** Waiting turns release their process, and callers are given up, after a second. */
  impatient: { vars: { CLAUDE_EDGE_HOLD: "1s", CLAUDE_EDGE_CALLER_GRACE: "1s" } },
  /** All dialects but `messages`, which is on elsewhere. */
  dialects: { vars: { CLAUDE_EDGE_DIALECTS: "query,claude-code,conversations,studio" } },
  r2: { r2: true },
  oauth: { credential: "CLAUDE_CODE_OAUTH_TOKEN" },
} as const satisfies Record<string, Configuration>;

export type ConfigurationName = keyof typeof CONFIGURATIONS;

/** A running shared stack, and the model that answers it. */
export interface SharedStack {
  stack: LocalStack;
  model: ScriptedModel;
  /** Where its containers have their disks. */
  disks: string;
  stop(): Promise<void>;
}

/** Containers that no file uses any more go to sleep; a file's own are never idle for so long. */
const SLEEP_AFTER = "60s";

export async function startConfiguration(configuration: Configuration): Promise<SharedStack> {
  const persist = mkdtempSync(join(tmpdir(), "stack-"));
  const project = configuration.r2 ? r2Project() : undefined;
  const { credential } = configuration;
  const model = credential && (await startScriptedModel());
  const restore = model && setCredential(credential, model);
  const stack = await startLocal({
    project: project?.folder ?? TEMPLATE,
    model: credential ? "credential" : "scripted",
    persist,
    vars: { ...NO_BUDGET, CLAUDE_EDGE_SLEEP_AFTER: SLEEP_AFTER, ...configuration.vars },
    containerEnv: { CLAUDE_EDGE_SPARES: "0" },
  }).finally(restore);
  return {
    stack,
    model: model ?? stack.model!,
    disks: join(persist, "disks"),
    async stop() {
      await stack.stop();
      await model?.close();
      project?.remove();
      rmSync(persist, { recursive: true, force: true });
    },
  };
}

const CREDENTIALS = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

/** Puts a credential into the environment, where a stack looks for it at its start; gives the way back. */
export function setCredential(name: string, { key, url }: ScriptedModel): () => void {
  const variables = { ...process.env };
  for (const other of CREDENTIALS) delete process.env[other];
  process.env[name] = key;
  process.env.ANTHROPIC_BASE_URL = url;
  return () => {
    for (const variable of [...CREDENTIALS, "ANTHROPIC_BASE_URL"]) {
      const before = variables[variable];
      if (before === undefined) delete process.env[variable];
      else process.env[variable] = before;
    }
  };
}
