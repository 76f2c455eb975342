import { ClaudeEdge } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { askSecret, readSecret } from "../secrets/input.js";
import {
  assertProfileName,
  configPath,
  DEFAULT_PROFILE,
  readConfig,
  writeConfig,
  type Config,
} from "../target/profiles.js";
import { deploymentUrl, originOf, sameDeployment } from "../target/url.js";
import { canAsk, inTerminal } from "../terminal/prompts.js";

export interface LoginFlags {
  account?: string;
  profile?: string;
  withToken?: boolean;
}

/** `claude-edge login`. Gives the exit code. */
export async function login(
  given: string | undefined,
  flags: LoginFlags,
  context: Context,
): Promise<number> {
  const { stderr, signal } = context;
  const { account } = flags;
  const config = readConfig(context);
  const text = given ?? (await askUrl(flags, context));
  if (text === undefined) return EXIT.interrupted;
  const url = deploymentUrl(text);
  const name = profileName(flags.profile, url, config);
  if (!flags.withToken && !canAsk(context)) {
    throw new EdgeError("usage", "Without a terminal the key is piped in: --with-token.");
  }
  if (!/^(https:|http:\/\/localhost(:|$))/.test(originOf(url)!)) {
    stderr.write(`note: the key goes to ${url} over plain HTTP, for all on the way to read\n`);
  }
  const token = flags.withToken
    ? await readSecret(context)
    : await askSecret(`Key of ${url}`, context);
  if (token === undefined) return EXIT.interrupted;

  // The key is shown only to what answers as a deployment does.
  await new ClaudeEdge({ baseURL: url, token: "none" }).health({ signal });
  await new ClaudeEdge({ baseURL: url, token, account }).sessions.list({ limit: 1, signal }).next();

  const latest = readConfig(context);
  latest.profiles[name] = { url, token, ...(account === undefined ? {} : { account }) };
  writeConfig({ ...latest, current: name }, context);
  stderr.write(`logged in to ${url}: profile ${name} in ${configPath(context)}\n`);
  return EXIT.ok;
}

async function askUrl(flags: LoginFlags, context: Context): Promise<string | undefined> {
  if (flags.withToken || !canAsk(context)) {
    throw new EdgeError("usage", "There is no URL: claude-edge login <url> --with-token.");
  }
  return inTerminal(context, context.signal, async ({ clack, ...terminal }) => {
    const url = await clack.text({
      ...terminal,
      message: "URL of the deployment",
      placeholder: "https://my-agent.example.workers.dev",
      validate: (value) => {
        try {
          deploymentUrl(value ?? "");
          return undefined;
        } catch (error) {
          return (error as Error).message;
        }
      },
    });
    return clack.isCancel(url) ? undefined : url;
  });
}

/** The name that was asked for, the profile that has this URL, or the default, unless that is another deployment's. */
function profileName(asked: string | undefined, url: string, { profiles }: Config): string {
  if (asked !== undefined) {
    assertProfileName(asked);
    return asked;
  }
  const known = Object.keys(profiles).find((name) => sameDeployment(profiles[name]!.url, url));
  if (known !== undefined) return known;
  const other = Object.hasOwn(profiles, DEFAULT_PROFILE) ? profiles[DEFAULT_PROFILE] : undefined;
  if (!other) return DEFAULT_PROFILE;
  const message = `Profile ${DEFAULT_PROFILE} is ${other.url}: name another with --profile, or replace it with --profile ${DEFAULT_PROFILE}.`;
  throw new EdgeError("usage", message);
}
