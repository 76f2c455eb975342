import type { ClaudeEdge } from "@claude-edge/client";
import { EXIT, toWireError } from "@claude-edge/protocol/errors";
import { PROTOCOL_VERSION } from "@claude-edge/protocol/wire";

import { write, writeJson, type Context } from "../context.js";
import { reportError } from "../report.js";
import { masked } from "../target/settings.js";
import { connect, findTarget, type Target, type TargetFlags } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";

declare const __VERSION__: string;

export interface WhoamiFlags extends TargetFlags {
  json?: boolean;
}

interface State {
  credential: "unknown" | "works" | "refused";
  deployment?: { version: string; protocol: number };
  /** Why it is not known whether the credential works, or why it does not. */
  error?: unknown;
}

/** `claude-edge whoami`. Gives the exit code. */
export async function whoami(flags: WhoamiFlags, context: Context): Promise<number> {
  const target = findTarget(flags, context);
  const state = await stateOf(connect(flags, context), context.signal);
  const { stdout } = context;
  await (flags.json
    ? writeJson(stdout, jsonOf(target, state))
    : write(stdout, tableOf(target, state)));
  return state.error === undefined ? EXIT.ok : reportError(state.error, context);
}

async function stateOf(edge: ClaudeEdge, signal: AbortSignal): Promise<State> {
  const state: State = { credential: "unknown" };
  try {
    const { version, protocol } = await edge.health({ signal });
    state.deployment = { version, protocol };
    await edge.sessions.list({ limit: 1, signal }).next();
    state.credential = "works";
  } catch (error) {
    if (signal.aborted) throw error;
    state.error = error;
    if (toWireError(error).code === "unauthorized") state.credential = "refused";
  }
  return state;
}

function jsonOf({ url, token, account, profile }: Target, state: State): object {
  const { credential, deployment, error } = state;
  return {
    url: url?.value,
    profile: profile?.value ?? null,
    account: account?.value ?? null,
    credential,
    origins: {
      url: url?.origin,
      token: token?.origin,
      ...(account ? { account: account.origin } : {}),
      ...(profile ? { profile: profile.origin } : {}),
    },
    versions: {
      cli: __VERSION__,
      cli_protocol: PROTOCOL_VERSION,
      deployment: deployment?.version ?? null,
      deployment_protocol: deployment?.protocol ?? null,
    },
    ...(error === undefined ? {} : { error: toWireError(error) }),
  };
}

function tableOf({ url, token, account, profile }: Target, state: State): string {
  const { credential, deployment } = state;
  const there = deployment
    ? `deployment ${oneLine(deployment.version)}, protocol ${deployment.protocol}`
    : "deployment unknown";
  const rows = [
    ["deployment", `${url!.value} (${url!.origin})`],
    ["profile", profile ? `${profile.value} (${profile.origin})` : "none"],
    ["account", account ? `${account.value} (${account.origin})` : "the key's own"],
    ["key", `${masked(token!.value)} (${token!.origin}): ${credential}`],
    ["versions", `claude-edge ${__VERSION__}, protocol ${PROTOCOL_VERSION}; ${there}`],
  ];
  return rows.map(([name, value]) => `${name!.padEnd(12)}${value}\n`).join("");
}
