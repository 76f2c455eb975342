import { clientError } from "@claude-edge/protocol/wire";

import { ClaudeEdgeError } from "./errors.js";

/** Refuses an option that cannot be sent over the network. @throws ClaudeEdgeError `option_refused`. */
export function refuse(name: string, reason: string): never {
  const error = clientError("option_refused", `${name}: ${reason}.`, { option: name });
  throw new ClaudeEdgeError(error);
}

/**
 * An option as JSON, the only form in which it can be sent.
 * @throws ClaudeEdgeError `option_refused` for functions, bigints and cyclic values.
 */
export function jsonOf(name: string, value: unknown): unknown {
  try {
    return JSON.parse(
      JSON.stringify(value, (key, of: unknown) =>
        typeof of === "function" || typeof of === "bigint"
          ? refuse(key === "" ? name : `${name}.${key}`, `a ${typeof of} cannot travel`)
          : of,
      ),
    );
  } catch (cause) {
    if (cause instanceof ClaudeEdgeError) throw cause;
    return refuse(name, "it is not JSON");
  }
}
