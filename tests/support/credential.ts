import { startScriptedModel, type LocalOptions, type ScriptedModel } from "@claude-edge/local";
import { afterAll, beforeAll, vi } from "vitest";

import { useOwnStack, type OwnTestStack } from "./stack.js";

const VARIABLES = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"] as const;

export interface CredentialStack extends OwnTestStack {
  /** The model at the far end: a scripted one, of which the stack knows no more than address and credential. */
  readonly model: ScriptedModel;
}

/** A stack whose model is elsewhere, with a credential of that kind for it. */
export function useCredential(
  variable: (typeof VARIABLES)[number],
  options: Partial<LocalOptions> = {},
): CredentialStack {
  let model: ScriptedModel | undefined;
  beforeAll(async () => {
    model = await startScriptedModel();
    for (const other of VARIABLES) vi.stubEnv(other, undefined);
    vi.stubEnv(variable, model.key);
    vi.stubEnv("ANTHROPIC_BASE_URL", model.url);
  });
  afterAll(() => model?.close());
  const edge = useOwnStack({ model: "credential", ...options });
  beforeAll(() => void vi.unstubAllEnvs());
  return Object.defineProperty(edge, "model", { get: () => model! }) as unknown as CredentialStack;
}
