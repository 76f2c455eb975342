import { randomBytes } from "node:crypto";

import { EdgeError } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import type { Project } from "../project/project.js";
import { inTerminal } from "../terminal/prompts.js";
import { runWrangler, throwFailure } from "./wrangler.js";

export const ROOT_KEY = "CLAUDE_EDGE_ROOT_KEY";

/** One of these is how a deployment is let in to the model. */
export const MODEL_SECRETS = [
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "CLAUDE_CODE_OAUTH_TOKEN",
] as const;

export const SECRETS: readonly string[] = [...MODEL_SECRETS, ROOT_KEY];

/** What a value's beginning says it is, and where that belongs. */
const KINDS = [
  { prefix: "sk-ant-api", what: "an API key", name: "ANTHROPIC_API_KEY" },
  {
    prefix: "sk-ant-oat",
    what: "an OAuth token of `claude setup-token`",
    name: "CLAUDE_CODE_OAUTH_TOKEN",
  },
  { prefix: "ce_root_", what: "a deployment's root key", name: ROOT_KEY },
];

/** @throws EdgeError `usage` when the value is one for another secret. Says nothing of the value itself. */
export function assertKind(name: string, value: string): void {
  const kind = KINDS.find(({ prefix }) => value.startsWith(prefix));
  if (!kind || kind.name === name || !SECRETS.includes(name)) return;
  throw new EdgeError("usage", `This is ${kind.what}, which is not ${name} but ${kind.name}.`);
}

export const newRootKey = (): string => `ce_root_${randomBytes(24).toString("base64url")}`;

/** Asks which credential the deployment is to ask the model with; nothing when whoever is asked gives up. */
export function chooseModelSecret(context: Context): Promise<string | undefined> {
  return inTerminal(context, context.signal, async ({ clack, ...terminal }) => {
    const choice = await clack.select<string>({
      ...terminal,
      message: "How does the deployment ask the model?",
      options: [
        { value: "ANTHROPIC_API_KEY", label: "API key", hint: "of console.anthropic.com" },
        {
          value: "ANTHROPIC_AUTH_TOKEN",
          label: "Auth token",
          hint: "of a gateway, whose URL is ANTHROPIC_BASE_URL in wrangler.jsonc",
        },
        { value: "CLAUDE_CODE_OAUTH_TOKEN", label: "OAuth token", hint: "of claude setup-token" },
      ],
    });
    if (clack.isCancel(choice)) return undefined;
    if (choice === "CLAUDE_CODE_OAUTH_TOKEN") terminal.output.write(OAUTH_NOTE);
    return choice;
  });
}

const OAUTH_NOTE =
  "note: for your own use: Anthropic bars offering claude.ai login to others without its approval\n";

/** The names of the secrets that are set; undefined when there is no Worker yet. @throws EdgeError */
export async function listSecretNames(
  project: Project,
  context: Context,
): Promise<string[] | undefined> {
  const run = await runWrangler(project, ["secret", "list", "--format", "json"], {}, context);
  if (run.code === 0) {
    return (JSON.parse(run.stdout) as { name: string }[]).map(({ name }) => name);
  }
  const isMissing = run.records.some(({ message }) => /^Worker ".*" not found/.test(message ?? ""));
  return isMissing ? undefined : throwFailure("secret list", run, project, context);
}

/** Sets secrets of the deployment, and takes away those that are null. @throws EdgeError */
export async function putSecrets(
  values: Record<string, string | null>,
  project: Project,
  context: Context,
): Promise<void> {
  const input = JSON.stringify(values);
  const run = await runWrangler(project, ["secret", "bulk"], { input }, context);
  if (run.code !== 0) await throwFailure("secret bulk", run, project, context);
}
