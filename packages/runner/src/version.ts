import { readFileSync } from "node:fs";

declare const __VERSION__: string;

/** The version of this package; the build puts it in. */
export const VERSION: string = __VERSION__;

/** The version of the Agent SDK that is installed beside it: its exports leave out its package.json. */
export function sdkVersion(): string {
  const manifest = new URL("package.json", import.meta.resolve("@anthropic-ai/claude-agent-sdk"));
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
