import type { Logger } from "../config.js";
import { isOfThisMachine } from "./caller-environment.js";
import { ignoredOptions, unknownOptions } from "./options.js";
import type { Options } from "./sdk.js";
import { news, warn } from "./warn.js";
import { isOfCaller } from "./working-folder.js";

/** Says what of the options is ignored or means something else on a deployment, each once a process. */
export function noticeOptions(options: Options, logger: Logger | undefined): void {
  const unknown = news(unknownOptions(options));
  if (unknown.length > 0) {
    const [noun, verb] = unknown.length === 1 ? ["option", "it is"] : ["options", "they are"];
    const message = `The Agent SDK has no ${noun} ${unknown.join(", ")}: ${verb} ignored.`;
    warn(message, { options: unknown }, logger);
  }
  const ignored = new Map(ignoredOptions(options));
  for (const name of news([...ignored.keys()])) {
    warn(`${name} is ignored: ${ignored.get(name)}.`, { options: [name] }, logger);
  }
  const { cwd, env = {} } = options;
  if (isOfCaller(cwd) && news(["cwd"]).length > 0) {
    const message = "cwd is a folder of this machine: the agent works in its session's workspace.";
    warn(message, { options: ["cwd"] }, logger);
  }
  const variables = Object.keys(env).filter((name) => isOfThisMachine(name, env[name]));
  if (variables.length > 0 && news(["env"]).length > 0) {
    const message = `env: ${variables.length} variables of this machine, or that the deployment sets, stay here.`;
    warn(message, { options: ["env"], variables }, logger);
  }
}
