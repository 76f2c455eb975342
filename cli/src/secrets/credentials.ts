import { randomBytes } from "node:crypto";

import { EdgeError } from "@claude-edge/protocol/errors";
import { credentialKind, type CredentialKind } from "@claude-edge/protocol/internal";

export const ROOT_KEY = "CLAUDE_EDGE_ROOT_KEY";

/** One of these is how a deployment is let in to the model; the first that is set is used. */
export const MODEL_SECRETS = [
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "CLAUDE_CODE_OAUTH_TOKEN",
] as const;

/** The root key before this one: it opens what it has sealed, and nothing else. */
const OLD_ROOT_KEY = "CLAUDE_EDGE_ROOT_KEY_OLD";

/** What signs the deployment's webhooks. */
const WEBHOOK_SECRET = "CLAUDE_EDGE_WEBHOOK_SECRET";

/** What lets the deployment in to its collector of traces. */
const OTLP_HEADERS = "CLAUDE_EDGE_OTLP_HEADERS";

/** The secrets of the Worker itself. All others are its agents'. */
export const SECRETS: readonly string[] = [
  ...MODEL_SECRETS,
  ROOT_KEY,
  OLD_ROOT_KEY,
  WEBHOOK_SECRET,
  OTLP_HEADERS,
];

/** What each kind of value is called, and the secret it belongs in. */
export const KINDS: Record<CredentialKind, { what: string; secret?: string }> = {
  anthropic_api_key: { what: "an Anthropic API key", secret: "ANTHROPIC_API_KEY" },
  anthropic_oauth_token: {
    what: "an OAuth token of `claude setup-token`",
    secret: "CLAUDE_CODE_OAUTH_TOKEN",
  },
  anthropic_admin_key: { what: "an Anthropic admin key, which asks no model" },
  claude_edge_key: { what: "a key of claude-edge", secret: ROOT_KEY },
  scripted_model_key: { what: "the key of a scripted model" },
  other: { what: "nothing that looks like an Anthropic credential" },
};

/** @throws EdgeError `usage` when the value is none for this secret. Says nothing of the value itself. */
export function assertKind(name: string, value: string): void {
  const kind = credentialKind(value);
  const { what, secret } = KINDS[kind];
  if (
    kind === "other" ||
    kind === "scripted_model_key" ||
    secret === name ||
    (secret === ROOT_KEY && name === OLD_ROOT_KEY) ||
    !SECRETS.includes(name)
  )
    return;
  const place = secret === undefined ? "" : `: it belongs in ${secret}`;
  throw new EdgeError("usage", `${name} cannot be ${what}${place}.`);
}

export const newRootKey = (): string => `ce_root_${randomBytes(24).toString("base64url")}`;
