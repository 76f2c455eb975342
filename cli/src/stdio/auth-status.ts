import { EXIT } from "@claude-edge/protocol/errors";

import { writeJson, type Context } from "../context.js";
import { findTarget } from "../target/target.js";

/** `claude auth status --json`: whether a deployment and a key for it are known. Gives the exit code. */
export async function authStatus(context: Context): Promise<number> {
  let isKnown = false;
  try {
    const { url, token } = findTarget({}, context);
    isKnown = url !== undefined && token !== undefined;
  } catch {
    // A profile that cannot be read is none.
  }
  const authMethod = isKnown ? "api_key" : "none";
  await writeJson(context.stdout, { loggedIn: isKnown, authMethod, apiProvider: "firstParty" });
  return isKnown ? EXIT.ok : EXIT.failed;
}
