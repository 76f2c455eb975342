import { ClaudeEdge, type ClientOptions } from "@claude-edge/client";
import { EdgeError } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { findDev } from "./dev-file.js";
import { configPath, profileOf, readConfig } from "./profiles.js";
import { originOf, sameDeployment } from "./url.js";

/** The flags of each command that talks to a deployment. */
export interface TargetFlags {
  account?: string;
  profile?: string;
  url?: string;
}

/** A value, and where it is from: `--url`, `CLAUDE_EDGE_URL`, `claude-edge dev`, `profile prod`. */
export interface Setting {
  value: string;
  origin: string;
}

/** The deployment that a command talks to, as far as it is known. */
export interface Target {
  url?: Setting | undefined;
  token?: Setting | undefined;
  account?: Setting | undefined;
  /** The profile that any of it is from; its origin says who chose it. */
  profile?: Setting | undefined;
}

/** @throws ClaudeEdgeError, and all that {@link clientOptions} throws. */
export const connect = (flags: TargetFlags, context: Context): ClaudeEdge =>
  new ClaudeEdge(clientOptions(flags, context));

/** @throws EdgeError `no_url`, `unauthorized`, and all that {@link findTarget} throws. */
export function clientOptions(flags: TargetFlags, context: Context): ClientOptions {
  const { url, token, account } = findTarget(flags, context);
  if (!url) throw new EdgeError("no_url", "No deployment is named, and `login` has saved none.");
  if (!token) {
    const message = `No key is known for ${url.value}: \`claude-edge login\` saves one.`;
    throw new EdgeError("unauthorized", message);
  }
  const { CLAUDE_EDGE_TOKEN: given } = context.env;
  if (given && token.origin === DEV_ORIGIN && given !== token.value) {
    context.stderr.write(
      `note: CLAUDE_EDGE_TOKEN is left aside: the claude-edge dev of this folder is talked to with its root key. With CLAUDE_EDGE_URL=${url.value} the token is used.\n`,
    );
  }
  return {
    baseURL: url.value,
    token: token.value,
    account: account?.value,
    onRetry: ({ error, attempt }) => {
      // The first is often all it takes, and not worth a word.
      if (attempt > 1) context.stderr.write(`note: ${error.message} Trying again.\n`);
    },
  };
}

/**
 * Which deployment: `--url` or `--profile`, else CLAUDE_EDGE_URL, else CLAUDE_EDGE_PROFILE, else the `claude-edge dev`
 * that runs in this folder or one above it, else the current profile. A saved key is sent to the URL it was saved for
 * and no other, a `dev` only its own key: its file may come with somebody else's folder.
 * @throws EdgeError `usage`, `profile_not_found`, `config_unusable`.
 */
export function findTarget(flags: TargetFlags, context: Context): Target {
  const { env, cwd } = context;
  if (flags.url && flags.profile !== undefined) {
    throw new EdgeError("usage", "--url and --profile exclude each other.");
  }
  const account = setting(flags.account, "--account");
  const fromEnv = {
    token: setting(env.CLAUDE_EDGE_TOKEN, "CLAUDE_EDGE_TOKEN"),
    account: setting(env.CLAUDE_EDGE_ACCOUNT, "CLAUDE_EDGE_ACCOUNT"),
  };
  if (flags.profile !== undefined) {
    const own = fromProfile({ value: flags.profile, origin: "--profile" }, context);
    return {
      ...own,
      token: own.token ?? fromEnv.token,
      account: account ?? own.account ?? fromEnv.account,
    };
  }
  const url = setting(flags.url, "--url") ?? setting(env.CLAUDE_EDGE_URL, "CLAUDE_EDGE_URL");
  const named = setting(env.CLAUDE_EDGE_PROFILE, "CLAUDE_EDGE_PROFILE");
  const found = url ? atUrl(url, context) : findUnnamed(named, cwd, context);
  const isDev = found.url?.origin === DEV_ORIGIN;
  return {
    ...found,
    token: isDev ? found.token : (fromEnv.token ?? found.token),
    account: account ?? fromEnv.account ?? found.account,
  };
}

/** The origin of what is from a `claude-edge dev`. */
export const DEV_ORIGIN = "claude-edge dev";

const setting = (value: string | undefined, origin: string): Setting | undefined =>
  value ? { value, origin } : undefined;

function findUnnamed(profile: Setting | undefined, cwd: string, context: Context): Target {
  if (profile) return fromProfile(profile, context);
  const dev = findDev(cwd);
  if (dev) return { url: setting(dev.url, DEV_ORIGIN), token: setting(dev.token, DEV_ORIGIN) };
  const { current } = readConfig(context);
  const origin = configPath(context);
  return current === undefined ? {} : fromProfile({ value: current, origin }, context);
}

function fromProfile(profile: Setting, context: Context): Required<Target> {
  const { url, token, account } = profileOf(readConfig(context), profile.value);
  const origin = `profile ${profile.value}`;
  return {
    profile,
    url: setting(url, origin),
    token: setting(token, origin),
    account: setting(account, origin),
  };
}

/** What is known of a deployment that is named by its URL. */
function atUrl(url: Setting, context: Context): Target {
  // Given with the URL, it goes before all that is saved, which then need not be readable.
  if (context.env.CLAUDE_EDGE_TOKEN) return { url };
  const dev = findDev(context.cwd);
  if (dev && originOf(url.value) === originOf(dev.url)) {
    return { url, token: setting(dev.token, DEV_ORIGIN) };
  }
  const { current, profiles } = readConfig(context);
  const fitting = Object.keys(profiles).filter((name) =>
    sameDeployment(profiles[name]!.url, url.value),
  );
  const name = fitting.find((one) => one === current) ?? fitting[0];
  if (name === undefined) return { url };
  return { ...fromProfile({ value: name, origin: url.origin }, context), url };
}
