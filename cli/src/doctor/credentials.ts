import type { ModelStatus } from "@claude-edge/protocol";
import { credentialKind } from "@claude-edge/protocol/internal";

import { KINDS, MODEL_SECRETS } from "../secrets/credentials.js";
import { DEV_ORIGIN } from "../target/target.js";
import { fail, ok, warn, type Finding } from "./finding.js";
import type { Named } from "./target.js";

type Variables = Record<string, string | undefined>;

/** The model credential that the first of these places holds, and which that is. */
export function findModelCredential(
  places: Record<string, Variables>,
): { credential: ModelStatus; place: string } | undefined {
  const ownKeys = Object.values(places).flatMap((variables) => [
    variables.CLAUDE_EDGE_TOKEN,
    variables.CLAUDE_EDGE_ROOT_KEY,
  ]);
  for (const [place, variables] of Object.entries(places)) {
    const variable = MODEL_SECRETS.find((name) => variables[name]);
    if (!variable) continue;
    const kind = credentialKind(variables[variable]!, ownKeys);
    const has_base_url = Boolean(variables.ANTHROPIC_BASE_URL);
    return { credential: { variable, kind, has_base_url }, place };
  }
  return undefined;
}

/**
 * Whether a model credential is of the kind that its variable is for. `place`: where it was found; `set`: how it is set
 * there.
 */
export function judgeModelCredential(
  { variable, kind, has_base_url }: ModelStatus,
  place: string,
  set: (variable: string) => string,
): Finding {
  const { what, secret: right } = KINDS[kind] ?? KINDS.other;
  const found = `${variable} holds ${what} (in ${place})`;
  if (kind === "scripted_model_key") {
    return ok(`no credential of Anthropic's: ${place} asks a scripted model`);
  }
  if (kind === "claude_edge_key" || kind === "anthropic_admin_key") {
    const fix = `${set(variable)}, with a key of the model API; one of claude-edge belongs in CLAUDE_EDGE_TOKEN`;
    return fail(found, fix);
  }
  // Another address takes what it likes.
  if (right === variable || has_base_url) return ok(`${variable} is set in ${place}`);
  if (right) return fail(found, `take it out there, and ${set(right)}`);
  return variable === "ANTHROPIC_AUTH_TOKEN"
    ? warn(`${found}, and there is no ANTHROPIC_BASE_URL`, "set ANTHROPIC_BASE_URL to its gateway")
    : warn(found, `${set(variable)}, with one from the Claude Console`);
}

const OWN_KEY =
  "set CLAUDE_EDGE_TOKEN to the deployment's root key (its secret CLAUDE_EDGE_ROOT_KEY) or to an account's token";

/** Whether there is a key that a deployment can be sent, by its form. */
export function checkToken({ baseURL, isDev, token, tokenOrigin }: Named): Finding<string> {
  if (!token) return fail("no key is given", OWN_KEY);
  const kind = credentialKind(token);
  if (kind.startsWith("anthropic_")) {
    const message = `the key for the deployment, from ${tokenOrigin}, is ${KINDS[kind].what}: it is not sent`;
    return fail(message, `${OWN_KEY}; the model's key stays in the deployment`);
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    return fail(`the key from ${tokenOrigin} holds blanks or line breaks`, OWN_KEY);
  }
  const others =
    isDev && tokenOrigin !== DEV_ORIGIN
      ? `; other commands here use the root key of \`claude-edge dev\`, and this one with CLAUDE_EDGE_URL=${baseURL}`
      : "";
  return ok(`the key is from ${tokenOrigin}${others}`, token);
}
