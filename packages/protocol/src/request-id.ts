import { SESSION_ID } from "./tokens.js";

/**
 * Makes the id of a request from a part of its own and its session. The session lets it be found before the account has
 * heard of it. The own part comes first: short forms of an id are its first characters.
 */
export const requestId = (own: string, session: string): string => `${own}.${session}`;

/** The session that the id of a request names; undefined for what is no such id. */
export function sessionOfRequest(id: string): string | undefined {
  const [, session = ""] = id.split(".", 2);
  return SESSION_ID.test(session) ? session : undefined;
}
