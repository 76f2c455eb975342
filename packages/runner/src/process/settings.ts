import type { Options } from "@anthropic-ai/claude-agent-sdk";

type Settings = NonNullable<Options["settings"]>;

/**
 * Settings under which WebFetch works. Before it fetches from a host it asks api.anthropic.com about that host, which
 * few network policies allow, and which hosts are reached is theirs to say. A file of settings has to say so itself.
 */
export function withWebFetch(settings: Settings = {}): Settings {
  const given = typeof settings === "string" ? parse(settings) : settings;
  return given ? { skipWebFetchPreflight: true, ...given } : settings;
}

/** Settings in a string; undefined for the path of a file. */
function parse(text: string): Exclude<Settings, string> | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Exclude<Settings, string>;
  } catch {
    // Claude Code says what is wrong with it.
    return undefined;
  }
}
