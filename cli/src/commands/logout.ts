import { EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { profileInUse, profileOf, readConfig, writeConfig } from "../target/profiles.js";

/** `claude-edge logout`. Gives the exit code. */
export async function logout(flags: { profile?: string }, context: Context): Promise<number> {
  const config = readConfig(context);
  const { profiles, current } = config;
  const name = profileInUse(config, flags.profile, context);
  const { url } = profileOf(config, name);
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
