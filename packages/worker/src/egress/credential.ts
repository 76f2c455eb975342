import { CREDENTIAL_PLACEHOLDER, MODEL_HOST } from "@claude-edge/protocol/runner";

import type { Env } from "../env.js";

/** A model credential: its variable and the header that carries it. */
export interface Credential {
  variable: "ANTHROPIC_API_KEY" | "ANTHROPIC_AUTH_TOKEN" | "CLAUDE_CODE_OAUTH_TOKEN";
  header: [name: string, value: string];
}

/** The deployment's model credential; undefined when none is set. */
export function credentialOf(env: Env): Credential | undefined {
  if (env.ANTHROPIC_API_KEY) {
    return { variable: "ANTHROPIC_API_KEY", header: ["x-api-key", env.ANTHROPIC_API_KEY] };
  }
  for (const variable of ["ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"] as const) {
    const token = env[variable];
    if (token) return { variable, header: ["authorization", `Bearer ${token}`] };
  }
  return undefined;
}

/**
 * Environment of the container: the gateway's address, and a placeholder in the variable that the deployment uses,
 * because the agent sends different requests for each kind of credential.
 */
export function containerCredential(env: Env): Record<string, string> {
  const variable = credentialOf(env)?.variable ?? "ANTHROPIC_API_KEY";
  return { ANTHROPIC_BASE_URL: `http://${MODEL_HOST}`, [variable]: CREDENTIAL_PLACEHOLDER };
}
