import { accountName, EdgeError, EXIT } from "@claude-edge/protocol";

import { write, writeJson, type Context } from "../context.js";
import {
  profileInUse,
  profileOf,
  readConfig,
  writeConfig,
  type Config,
  type Profile,
} from "../target/profiles.js";
import { SETTINGS, settingsOf, type SettingName } from "../target/settings.js";
import type { Setting } from "../target/target.js";
import { deploymentUrl, sameDeployment } from "../target/url.js";

export interface ConfigFlags {
  profile?: string;
  showOrigin?: boolean;
  json?: boolean;
}

/** `claude-edge config list`. Gives the exit code. */
export async function listConfig(flags: ConfigFlags, context: Context): Promise<number> {
  const settings = settingsOf(flags, context);
  const { profiles } = readConfig(context);
  if (flags.json) {
    const all = { ...Object.fromEntries(settings), profiles: Object.keys(profiles) };
    await writeJson(context.stdout, all);
    return EXIT.ok;
  }
  for (const [name, setting] of settings) {
    await write(context.stdout, line(`${name}=${setting.value}`, setting, flags));
  }
  const others = Object.keys(profiles);
  if (others.length > 0) context.stderr.write(`saved profiles: ${others.join(", ")}\n`);
  return EXIT.ok;
}

/** `claude-edge config get`. Gives the exit code. */
export async function getConfig(
  name: string,
  flags: ConfigFlags,
  context: Context,
): Promise<number> {
  const setting = settingsOf(flags, context).get(settingName(name));
  if (!setting) throw new EdgeError("not_found", `${name} is not set.`);
  await write(context.stdout, line(setting.value, setting, flags));
  return EXIT.ok;
}

/** `claude-edge config set`. Gives the exit code. */
export async function setConfig(
  name: string,
  value: string,
  flags: ConfigFlags,
  context: Context,
): Promise<number> {
  const config = readConfig(context);
  switch (settingName(name)) {
    case "token":
      throw new EdgeError(
        "usage",
        "A key is not taken from the command line, where others can read it: claude-edge login.",
      );
    case "profile":
      profileOf(config, value);
      config.current = value;
      break;
    case "url":
      setUrl(editedProfile(config, flags, context), value, context);
      break;
    case "account":
      if (!accountName.safeParse(value).success) {
        const form = "1 to 128 letters, digits, dots, dashes or underscores";
        throw new EdgeError("usage", `An account's name is ${form}.`);
      }
      editedProfile(config, flags, context).account = value;
  }
  writeConfig(config, context);
  return EXIT.ok;
}

/** `claude-edge config unset`. Gives the exit code. */
export async function unsetConfig(
  name: string,
  flags: ConfigFlags,
  context: Context,
): Promise<number> {
  const config = readConfig(context);
  const key = settingName(name);
  if (key === "account") delete editedProfile(config, flags, context).account;
  else if (key === "profile") delete config.current;
  else throw new EdgeError("usage", `A profile needs its ${key}: claude-edge logout removes both.`);
  writeConfig(config, context);
  return EXIT.ok;
}

const line = (text: string, { origin }: Setting, { showOrigin }: ConfigFlags) =>
  showOrigin ? `${origin}\t${text}\n` : `${text}\n`;

/** @throws EdgeError `usage`. */
function settingName(name: string): SettingName {
  const known = SETTINGS.find((setting) => setting === name);
  if (known) return known;
  throw new EdgeError("usage", `There is no setting ${name}: there are ${SETTINGS.join(", ")}.`);
}

/** The profile whose settings are changed. @throws EdgeError `profile_not_found`. */
function editedProfile(config: Config, { profile }: ConfigFlags, context: Context): Profile {
  return profileOf(config, profileInUse(config, profile, context));
}

/** A key belongs to the URL it was saved for, so another URL has none yet. */
function setUrl(profile: Profile, value: string, { stderr }: Context): void {
  const url = deploymentUrl(value);
  if (profile.token !== undefined && !sameDeployment(profile.url, url)) {
    delete profile.token;
    stderr.write(`the key was for ${profile.url}; next: claude-edge login ${url}\n`);
  }
  profile.url = url;
}
