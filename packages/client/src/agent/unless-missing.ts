import { ClaudeEdgeError } from "../errors.js";

/** Gives undefined for a session that the account does not have. */
export async function unlessMissing<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ClaudeEdgeError && error.code === "session_not_found") return undefined;
    throw error;
  }
}
