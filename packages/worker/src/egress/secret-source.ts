import type { HostAndPort, SecretResource } from "@claude-edge/protocol";

import type { Env } from "../env.js";
import { objectNamed } from "../objects.js";
import { placeholdersOf, type OpenSecret } from "./replace-secrets.js";
import { targetOf } from "./target.js";

/** Which secrets a request may need. */
export interface SecretQuery {
  target: HostAndPort;
  /** The session that the container belongs to alone: it gets no secret of another. */
  session: string | undefined;
  /** The placeholders in its headers and its URL. */
  placeholders: string[];
  /** It has a body, where others may be. */
  hasBody: boolean;
  /** Nobody on the way can read it: it goes by HTTPS, or to a private host of the operator's. Any other gets no secret. */
  isPrivate: boolean;
}

/** A secret whose placeholder is in a request to a host that it is not for. */
export type MisdirectedSecret = Pick<SecretResource, "name" | "scope">;

export interface FoundSecrets {
  open: OpenSecret[];
  misdirected: MisdirectedSecret[];
}

/** The account that opens secrets for its containers: its own, those of its sessions, and the deployment's. */
interface SecretOpener {
  /** @throws EdgeError `secret_unreadable`. */
  openSecrets(query: SecretQuery): Promise<FoundSecrets>;
}

/**
 * The secrets that a container's request may be sent with. One without placeholders and body asks nobody.
 * @throws EdgeError `secret_unreadable`; Error when the account's object cannot be reached.
 */
export async function secretsFor(
  env: Env,
  { account, session }: { account: string; session: string | undefined },
  request: Request,
  isPrivate: boolean,
): Promise<FoundSecrets> {
  const placeholders = placeholdersOf(request);
  const hasBody = request.body !== null;
  if (placeholders.length === 0 && !hasBody) return { open: [], misdirected: [] };
  const target = targetOf(new URL(request.url));
  const opener = objectNamed<SecretOpener>(env, "ACCOUNT", account);
  return opener.openSecrets({ target, session, placeholders, hasBody, isPrivate });
}
