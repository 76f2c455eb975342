import type { AccountResource } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { connect, type TargetFlags } from "../target/target.js";
import { humanBytes } from "../terminal/bytes.js";
import { oneLine } from "../terminal/printable.js";
import { canAsk, confirm } from "../terminal/prompts.js";

export interface DeleteAccountFlags extends TargetFlags {
  yes?: boolean;
}

/** `claude-edge accounts delete`. Gives the exit code. @throws EdgeError `usage` where nobody can be asked. */
export async function deleteAccount(
  name: string,
  { yes, ...target }: DeleteAccountFlags,
  context: Context,
): Promise<number> {
  const { stderr, signal } = context;
  if (!yes && !canAsk(context)) {
    throw new EdgeError("usage", "There is no terminal to ask in: --yes deletes without asking.");
  }
  const { accounts } = connect(target, context);
  const account = await accounts.retrieve(name, { signal });
  if (!yes && account.status === "active") {
    const isSure = await confirm(question(account), context);
    if (isSure === undefined) return EXIT.interrupted;
    if (!isSure) {
      stderr.write("nothing was deleted\n");
      return EXIT.cancelled;
    }
  }
  let said: string | undefined;
  let hasBegun = false;
  const onProgress = (left: AccountResource) => {
    hasBegun = true;
    const line = progressLine(left);
    if (line !== said) stderr.write(line);
    said = line;
  };
  try {
    await accounts.delete(name, { signal, onProgress });
  } catch (error) {
    if (hasBegun && signal.aborted) {
      stderr.write(`note: the erasure goes on; claude-edge accounts show ${name} says how far\n`);
    }
    throw error;
  }
  stderr.write(`deleted: ${name}\n`);
  return EXIT.ok;
}

const wordOf = (sessions: number) => (sessions === 1 ? "session" : "sessions");

const question = ({ name, sessions, stored_bytes }: AccountResource) =>
  [
    `Erase the account ${oneLine(name)}? It has ${sessions} ${wordOf(sessions)}, ${humanBytes(stored_bytes)}.`,
    "Its tokens, limits and usage go too. It cannot be taken back.",
  ].join("\n");

function progressLine({ sessions, erasure }: AccountResource): string {
  const trouble = erasure?.error === undefined ? "" : ` (tried again: ${oneLine(erasure.error)})`;
  return `erasing: ${sessions} ${wordOf(sessions)} left${trouble}\n`;
}
