import { isOwnVariable } from "@claude-edge/protocol/internal";
import type { SessionOptions } from "@claude-edge/protocol/wire";

import { refuse } from "../plain-option.js";

type Environment = Record<string, string | undefined>;
type Secrets = NonNullable<SessionOptions["secrets"]>;

/** Where well-known credentials go, by the name of their variable. */
const HOSTS: Record<string, string[]> = {
  GH_TOKEN: ["github.com", "*.github.com"],
  GITHUB_TOKEN: ["github.com", "*.github.com"],
  GITLAB_TOKEN: ["gitlab.com"],
  GEMINI_API_KEY: ["generativelanguage.googleapis.com"],
  HF_TOKEN: ["huggingface.co", "*.huggingface.co"],
  LINEAR_API_KEY: ["api.linear.app"],
  NOTION_TOKEN: ["api.notion.com"],
  NPM_TOKEN: ["registry.npmjs.org"],
  OPENAI_API_KEY: ["api.openai.com"],
  SENTRY_AUTH_TOKEN: ["sentry.io", "*.sentry.io"],
  SLACK_BOT_TOKEN: ["slack.com", "*.slack.com"],
  STRIPE_API_KEY: ["api.stripe.com"],
  TAVILY_API_KEY: ["api.tavily.com"],
};

const CREDENTIAL_NAME = /(^|_)(key|token|secret|pass|passwd|password|credentials?|auth|pat|pw)$/i;
/** How keys of well-known services begin. */
const CREDENTIAL_VALUE =
  /^(sk-|sk_|rk_|gh[opsu]_|github_pat_|glpat-|xox[abp]-|AKIA|AIza|hf_|npm_|eyJ[\w-]+\.eyJ)/;

/** The environment of the program itself, which many programs hand on: `{ ...process.env, MORE: "1" }`. */
function ownEnvironment(): Environment {
  const runtime = globalThis as { process?: { env?: Environment } };
  return runtime.process?.env ?? {};
}

/** Whether a variable says something of the program's own machine: it has it too, or the deployment sets it. */
export function isOfThisMachine(name: string, value: string | undefined): boolean {
  return value !== undefined && (isOwnVariable(name) || ownEnvironment()[name] === value);
}

/**
 * What of `env` goes to the session's processes, and what becomes a secret of the session.
 * @throws ClaudeEdgeError `option_refused` for a credential whose hosts are not known.
 */
export function splitEnvironment(env: Environment): {
  plain: Record<string, string>;
  secrets: Secrets;
} {
  const plain: Record<string, string> = {};
  const secrets: Secrets = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || isOfThisMachine(name, value)) continue;
    const isCredential = CREDENTIAL_NAME.test(name) || CREDENTIAL_VALUE.test(value);
    if (!isCredential || value === "") plain[name] = value;
    else if (Object.hasOwn(HOSTS, name)) secrets[name] = { value, hosts: HOSTS[name]! };
    else refuseCredential(name);
  }
  return { plain, secrets };
}

function refuseCredential(name: string): never {
  const way = `set it once with the hosts that may get it, \`claude-edge secrets set ${name} --host …\` or \`edge.secrets.set("${name}", { value, hosts })\`, and leave it out here`;
  return refuse(`env.${name}`, `looks like a credential, which every tool could read: ${way}`);
}
