import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { profileOf, readConfig, writeConfig } from "../target/profiles.js";

/** `claude-edge logout`. Gives the exit code. */
export async function logout(flags: { profile?: string }, context: Context): Promise<number> {
  const { profiles, current } = readConfig(context);
  const name = flags.profile ?? (context.env.CLAUDE_EDGE_PROFILE || current);
  if (name === undefined) throw new EdgeError("profile_not_found", "No profile is in use.");
  const { url } = profileOf({ profiles }, name);
  const { [name]: _gone, ...rest } = profiles;
  const isCurrent = current === undefined || current === name;
  writeConfig({ ...(isCurrent ? {} : { current }), profiles: rest }, context);
  context.stderr.write(`logged out of ${url}: profile ${name} is gone\n`);
  const others = Object.keys(rest);
  if (isCurrent && others.length > 0) {
    context.stderr.write(`next: claude-edge config set profile ${others[0]}\n`);
  }
  return EXIT.ok;
}
