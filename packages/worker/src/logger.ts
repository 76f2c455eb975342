import { EdgeError } from "@claude-edge/protocol";
import { Logger, logSettingProblem, logSettings } from "@claude-edge/protocol/internal";

import type { Env } from "./env.js";

/** The log of the Worker and its objects. The platform keeps what is written to the console, under its level. */
export const logger: Logger = new Logger((level, line) => console[level](line));

let configured: Env | undefined;

/** Applies the deployment's settings. Whatever is entered first in an isolate calls it: it has one deployment, and no start. */
export function configureLog(env: Env): Env {
  if (configured !== env) logger.settings = logSettings(env);
  configured = env;
  return env;
}

/** @throws EdgeError `setting_invalid`: a typing error must neither silence a log nor have it keep what it should not. */
export function assertLogSettings(env: Env): void {
  const problem = logSettingProblem(env);
  if (problem !== undefined) throw new EdgeError("setting_invalid", problem);
}
