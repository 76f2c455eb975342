import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";

import { EdgeError } from "@claude-edge/protocol/errors";

import { homeOf, type Context } from "../context.js";
import { writePrivateFile } from "../secrets/private-file.js";
import { sameDeployment } from "./url.js";

/** A deployment that is remembered. */
export interface Profile {
  url: string;
  /** Goes to this `url` and nowhere else; none when the URL was changed after the login. */
  token?: string;
  /** The account to act for. */
  account?: string;
}

export interface Config {
  /** The profile that is used when none is named. */
  current?: string;
  profiles: Record<string, Profile>;
}

/** The profile of whoever has only one. */
export const DEFAULT_PROFILE = "default";

type World = Pick<Context, "env">;

/** Where it is: `$XDG_CONFIG_HOME`, else `~/.config`; `%APPDATA%` on Windows. */
export function configPath(world: World): string {
  const { XDG_CONFIG_HOME: xdg, APPDATA: appData } = world.env;
  // The XDG specification has relative paths ignored.
  const named = xdg && isAbsolute(xdg) ? xdg : undefined;
  const usual = process.platform === "win32" && appData ? appData : join(homeOf(world), ".config");
  return join(named ?? usual, "claude-edge", "config.json");
}

/** What is saved; nothing when there is no file. @throws EdgeError `config_unusable`. */
export function readConfig(world: World): Config {
  const path = configPath(world);
  if (!existsSync(path)) return { profiles: {} };
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    // A syntax error quotes the file, which holds keys.
    const { code } = cause as NodeJS.ErrnoException;
    const problem = code === undefined ? "is not JSON" : `cannot be read (${code})`;
    throw new EdgeError("config_unusable", `${path} ${problem}.`);
  }
  const problem = problemOf(config);
  if (problem) throw new EdgeError("config_unusable", `${path}: ${problem}.`);
  return config as Config;
}

/** @throws EdgeError `config_unusable`. */
export function writeConfig(config: Config, world: World): void {
  const path = configPath(world);
  const folder = dirname(path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    writePrivateFile(path, `${JSON.stringify(config, null, 2)}\n`);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const text = `${path} cannot be written (${code ?? message}).`;
    throw new EdgeError("config_unusable", text, undefined, cause);
  }
}

/** @throws EdgeError `profile_not_found`. */
export function profileOf({ profiles }: Config, name: string): Profile {
  if (Object.hasOwn(profiles, name)) return profiles[name]!;
  const names = Object.keys(profiles).join(", ");
  const others = names ? `there are ${names}` : "none is saved";
  throw new EdgeError("profile_not_found", `There is no profile ${name}: ${others}.`);
}

/** The name of the profile that a command changes. @throws EdgeError `profile_not_found` when there is none. */
export function profileInUse(
  { current }: Config,
  named: string | undefined,
  { env }: World,
): string {
  const name = named ?? (env.CLAUDE_EDGE_PROFILE || current);
  if (name !== undefined) return name;
  throw new EdgeError("profile_not_found", "No profile is in use.");
}

/**
 * Saves a deployment and its key under a name, with a number behind it if another deployment has the name: a root key
 * that is overwritten is lost. Gives the name. @throws EdgeError `config_unusable`.
 */
export function saveDeployment(name: string, url: string, token: string, world: World): string {
  const config = readConfig(world);
  const { profiles } = config;
  const isTaken = (candidate: string) =>
    Object.hasOwn(profiles, candidate) && !sameDeployment(profiles[candidate]!.url, url);
  let chosen = name;
  for (let number = 2; isTaken(chosen); number += 1) chosen = `${name}-${number}`;
  profiles[chosen] = { ...profiles[chosen], url, token };
  config.current ??= chosen;
  writeConfig(config, world);
  return chosen;
}

/** @throws EdgeError `usage` for what cannot be a profile's name. */
export function assertProfileName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return;
  const form = "1 to 64 letters, digits, dots, dashes or underscores, the first a letter or digit";
  throw new EdgeError("usage", `A profile's name is ${form}.`);
}

function problemOf(config: unknown): string | undefined {
  if (!isObject(config)) return "an object is expected";
  const { current, profiles } = config;
  if (current !== undefined && typeof current !== "string") return "current: text is expected";
  if (!isObject(profiles)) return "profiles: an object is expected";
  for (const [name, profile] of Object.entries(profiles)) {
    if (!isObject(profile)) return `profiles.${name}: an object is expected`;
    for (const key of ["url", "token", "account"]) {
      const isMissing = profile[key] === undefined && key !== "url";
      if (!isMissing && typeof profile[key] !== "string") {
        return `profiles.${name}.${key}: text is expected`;
      }
    }
  }
  return undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
