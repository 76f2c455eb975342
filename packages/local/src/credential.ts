/** The variables that hold a model credential; the first that is set is used. */
const CREDENTIALS = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

/**
 * Picks the model credential and its address out of the project's variables, then the environment.
 * Gives undefined when neither holds one.
 */
export function findCredential(
  ...sources: Record<string, string | undefined>[]
): Record<string, string> | undefined {
  for (const source of sources) {
    const name = CREDENTIALS.find((candidate) => source[candidate]);
    if (!name) continue;
    const baseURL = source.ANTHROPIC_BASE_URL;
    return { [name]: source[name]!, ...(baseURL ? { ANTHROPIC_BASE_URL: baseURL } : {}) };
  }
  return undefined;
}
