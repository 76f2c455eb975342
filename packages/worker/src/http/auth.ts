import { ACCOUNT_HEADER, accountName, EdgeError } from "@claude-edge/protocol";

import type { Env } from "../env.js";

/** The account of a caller who holds the root key and names none. */
const DEFAULT_ACCOUNT = "default";

const encoder = new TextEncoder();

async function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", encoder.encode(text));
}

/** Compares in a time that tells nothing of either: digests are of equal length. */
async function sameSecret(left: string, right: string): Promise<boolean> {
  return crypto.subtle.timingSafeEqual(await digest(left), await digest(right));
}

/** Lets a request pass that holds the root key. @throws EdgeError `not_configured`, `unauthorized`. */
export async function authenticate(request: Request, env: Env): Promise<void> {
  if (!env.CLAUDE_EDGE_ROOT_KEY) {
    throw new EdgeError("not_configured", "This deployment has no key yet, so it serves nothing.");
  }
  const given = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (given === undefined) throw new EdgeError("unauthorized", "The request carries no key.");
  if (!(await sameSecret(given, env.CLAUDE_EDGE_ROOT_KEY))) {
    throw new EdgeError("unauthorized", "The key is not this deployment's.");
  }
}

/**
 * The account a request is for: named in the header or the body, which must not differ.
 * @throws EdgeError `invalid_request`.
 */
export function accountOf(request: Request, fromBody?: string): string {
  const fromHeader = request.headers.get(ACCOUNT_HEADER) ?? undefined;
  if (fromHeader !== undefined && !accountName.safeParse(fromHeader).success) {
    const form = "must be 1 to 128 letters, digits, dots, dashes or underscores";
    throw new EdgeError("invalid_request", `${ACCOUNT_HEADER}: ${form}.`);
  }
  if (fromHeader !== undefined && fromBody !== undefined && fromHeader !== fromBody) {
    throw new EdgeError(
      "invalid_request",
      `${ACCOUNT_HEADER} and accountId name different accounts.`,
    );
  }
  return fromHeader ?? fromBody ?? DEFAULT_ACCOUNT;
}
