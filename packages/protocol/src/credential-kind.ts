/** What a secret is, by its form. */
export type CredentialKind =
  | "anthropic_api_key"
  | "anthropic_oauth_token"
  | "anthropic_admin_key"
  | "claude_edge_key"
  | "scripted_model_key"
  | "other";

const PREFIXES: [string, CredentialKind][] = [
  ["sk-ant-api", "anthropic_api_key"],
  ["sk-ant-oat", "anthropic_oauth_token"],
  ["sk-ant-admin", "anthropic_admin_key"],
  ["ce_", "claude_edge_key"],
  ["scripted-", "scripted_model_key"],
];

/** `ownKeys`: keys of claude-edge, which may have any form. */
export function credentialKind(
  secret: string,
  ownKeys: (string | undefined)[] = [],
): CredentialKind {
  if (ownKeys.includes(secret)) return "claude_edge_key";
  return PREFIXES.find(([prefix]) => secret.startsWith(prefix))?.[1] ?? "other";
}
