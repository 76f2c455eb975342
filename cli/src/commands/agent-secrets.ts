import type { SecretPlaces, SecretResource } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { SECRETS } from "../secrets/credentials.js";
import { secretFrom } from "../secrets/input.js";
import { connect, type TargetFlags } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";

export interface SecretsFlags extends TargetFlags {
  generate?: boolean;
  json?: boolean;
  local?: boolean;
  host?: string[];
  header?: string;
  query?: boolean;
  body?: boolean;
  session?: string;
}

/** Sets a secret of agents. Gives the exit code. */
export async function setAgentSecret(
  name: string,
  flags: SecretsFlags,
  context: Context,
): Promise<number> {
  assertNotLocal(name, flags);
  const { host: hosts = [], signal } = { ...flags, signal: context.signal };
  if (flags.generate) {
    throw new EdgeError("usage", `--generate makes a root key; ${name} is given to you.`);
  }
  if (hosts.length === 0) {
    const message = `Name the hosts that get ${oneLine(name)}: claude-edge secrets set ${oneLine(name)} --host api.example.com. The Worker's own secrets are ${SECRETS.join(", ")}.`;
    throw new EdgeError("usage", message);
  }
  const edge = connect(flags, context);
  const value = await secretFrom(name, context, "agent");
  if (value === undefined) return EXIT.interrupted;
  const secret = await edge.secrets.set(name, { value, hosts, in: placesOf(flags), signal });
  context.stderr.write(`${secret.name} is set for ${whose(secret)}\n`);
  return EXIT.ok;
}

/** Deletes a secret of agents. Gives the exit code. */
export async function deleteAgentSecret(
  name: string,
  flags: SecretsFlags,
  context: Context,
): Promise<number> {
  assertNotLocal(name, flags);
  await connect(flags, context).secrets.delete(name, { signal: context.signal });
  context.stderr.write(`${oneLine(name)} is gone\n`);
  return EXIT.ok;
}

/** The secrets of agents. */
export function listAgentSecrets(flags: SecretsFlags, context: Context): Promise<SecretResource[]> {
  const { signal } = context;
  return connect(flags, context).secrets.list({ sessionId: flags.session, signal });
}

/** What people call the owner of a secret. */
export function whose({ scope, session_id }: SecretResource): string {
  if (scope === "deployment") return "the deployment";
  return scope === "account" ? "the account" : `session ${session_id}`;
}

function placesOf({ header, query, body }: SecretsFlags): SecretPlaces | undefined {
  if (header === undefined && !query && !body) return undefined;
  return {
    ...(header === undefined ? {} : { header }),
    ...(query ? { query } : {}),
    ...(body ? { body } : {}),
  };
}

/** @throws EdgeError `usage`. */
function assertNotLocal(name: string, { local }: SecretsFlags): void {
  if (!local) return;
  const message = `There is no secret ${oneLine(name)} of the Worker: there are ${SECRETS.join(", ")}. Those of agents are in a deployment: without --local, also that of a running claude-edge dev.`;
  throw new EdgeError("usage", message);
}
