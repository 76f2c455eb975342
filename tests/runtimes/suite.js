/**
 * What the client does the same wherever it runs: through its public surface, with what every runtime has.
 *
 * `faultURL` is the deployment behind a proxy that makes one fault for each `/{fault}/{id}` in front of a path.
 */
import { CALLS } from "./checks/calls.js";
import { FILES } from "./checks/files.js";
import { FAULTS } from "./checks/faults.js";
import { TURNS } from "./checks/turns.js";

/** A check that has not ended by then never will, milliseconds. */
const PATIENCE_MS = 60_000;

const CHECKS = Object.entries({ ...CALLS, ...TURNS, ...FILES, ...FAULTS });

/**
 * Runs every check, one after the other, each with a session of its own.
 *
 * @param {object} given
 * @param {typeof import("@claude-edge/client").ClaudeEdge} given.ClaudeEdge
 * @param {typeof import("@claude-edge/client").query} given.query
 * @param {string} given.baseURL
 * @param {string} given.faultURL
 * @param {string} given.token
 * @param {string} given.account An account of this run's own.
 * @param {(result: import("./runtime.ts").Result) => unknown} [onResult] Told of each check as it ends.
 * @returns {Promise<import("./runtime.ts").Result[]>}
 */
export async function run(given, onResult = () => {}) {
  const { ClaudeEdge, baseURL, token, account } = given;
  const connect = (options) => new ClaudeEdge({ baseURL, token, account, ...options });
  const unhandled = [];
  const onUnhandled = ({ reason }) => void unhandled.push(describe(reason));
  // Node and Bun have no such event: they end the program.
  globalThis.addEventListener?.("unhandledrejection", onUnhandled);

  const results = [];
  const tell = async (name, error) => {
    const result = { name, ok: error === undefined, error };
    results.push(result);
    await onResult(result);
  };
  for (const [name, check] of CHECKS) {
    const ending = inTime(() => check({ ...given, connect, edge: connect() }));
    await tell(name, await ending.then(() => undefined, describe));
  }
  await tell("no rejection is left unhandled", unhandled[0]);
  globalThis.removeEventListener?.("unhandledrejection", onUnhandled);
  return results;
}

async function inTime(check) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not ended in ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    await Promise.race([check(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** An error with what led to it, in one line. */
function describe(error) {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  const code = typeof error.code === "string" ? ` (${error.code})` : "";
  const cause = error.cause === undefined ? "" : `, because of ${describe(error.cause)}`;
  return `${error.name}${code}: ${error.message}${cause}`;
}
