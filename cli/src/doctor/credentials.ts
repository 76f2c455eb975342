import type { ModelStatus } from "@claude-edge/protocol";
import { credentialKind } from "@claude-edge/protocol/internal";

import { KINDS, MODEL_SECRETS } from "../secrets/credentials.js";
import { fail, ok, warn, type Finding } from "./finding.js";
import type { Named } from "./target.js";

/** The model credential that the first of these sources holds. */
export function findModelCredential(
  ...sources: Record<string, string | undefined>[]
): ModelStatus | undefined {
  const ownKeys = sources.flatMap((source) => [
    source.CLAUDE_EDGE_TOKEN,
    source.CLAUDE_EDGE_ROOT_KEY,
  ]);
  for (const source of sources) {
    const variable = MODEL_SECRETS.find((name) => source[name]);
    if (!variable) continue;
    const kind = credentialKind(source[variable]!, ownKeys);
    return { variable, kind, has_base_url: Boolean(source.ANTHROPIC_BASE_URL) };
  }
  return undefined;
}

/** Whether a model credential is of the kind that its variable is for; `set`: how it is set where it is. */
export function judgeModelCredential(
  { variable, kind, has_base_url }: ModelStatus,
  set: (variable: string) => string,
): Finding {
  const { what, secret: right } = KINDS[kind] ?? KINDS.other;
  const found = `${variable} holds ${what}`;
  if (kind === "claude_edge_key" || kind === "anthropic_admin_key") {
    const fix = `${set(variable)}, with a key of the model API; one of claude-edge belongs in CLAUDE_EDGE_TOKEN`;
    return fail(found, fix);
  }
  // Another address takes what it likes.
  if (right === variable || has_base_url) return ok(`${variable} is set`);
  if (right) return fail(found, `take it out there, and ${set(right)}`);
  return variable === "ANTHROPIC_AUTH_TOKEN"
    ? warn(`${found}, and there is no ANTHROPIC_BASE_URL`, "set ANTHROPIC_BASE_URL to its gateway")
    : warn(found, `${set(variable)}, with one from the Claude Console`);
}

const OWN_KEY =
  "set CLAUDE_EDGE_TOKEN to the deployment's root key (its secret CLAUDE_EDGE_ROOT_KEY) or to an account's token";

/** Whether there is a key that a deployment can be sent, by its form. */
export function checkToken({ token }: Named): Finding<string> {
  if (!token) return fail("no key is given", OWN_KEY);
  const kind = credentialKind(token);
  if (kind.startsWith("anthropic_")) {
    const message = `the key for the deployment is ${KINDS[kind].what}: it is not sent`;
    return fail(message, `${OWN_KEY}; the model's key stays in the deployment`);
  }
  if (!/^[\x21-\x7e]+$/.test(token)) return fail("the key holds blanks or line breaks", OWN_KEY);
  return ok("a key is given", token);
}
