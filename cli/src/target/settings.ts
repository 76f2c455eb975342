import type { Context } from "../context.js";
import { configPath, readConfig } from "./profiles.js";
import { findTarget, type Setting, type TargetFlags } from "./target.js";

/** What `claude-edge config` knows, in the order in which it is listed. */
export const SETTINGS = ["profile", "url", "account", "token"] as const;

export type SettingName = (typeof SETTINGS)[number];

/** Too short a secret to show any of it, characters. */
const MIN_SHOWN = 20;

/** A secret as it may be shown: enough of it to tell two apart. */
export const masked = (secret: string): string =>
  secret.length < MIN_SHOWN ? "****" : `****${secret.slice(-4)}`;

/** The settings as a command here and now would find them; those that are not set are left out. */
export function settingsOf(
  flags: Pick<TargetFlags, "profile">,
  context: Context,
): Map<SettingName, Setting> {
  const { url, account, token, profile } = findTarget(flags, context);
  const { current } = readConfig(context);
  const saved = current === undefined ? undefined : { value: current, origin: configPath(context) };
  const found: Record<SettingName, Setting | undefined> = {
    profile: profile ?? saved,
    url,
    account,
    token: token && { ...token, value: masked(token.value) },
  };
  return new Map(SETTINGS.flatMap((name) => (found[name] ? [[name, found[name]]] : [])));
}
