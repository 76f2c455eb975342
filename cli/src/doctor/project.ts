import { AGENT_SDK, findAgentSdk, findOwnPackages, listed } from "../project/packages.js";
import type { Project } from "../project/project.js";
import { fail, ok, skip, warn, type Finding } from "./finding.js";

declare const __VERSION__: string;

/** `isNamed`: the folder was asked for, so that something should be there. */
export function checkProject(
  folder: string,
  project: Project | undefined,
  isNamed: boolean,
): Finding<Project> {
  if (project) return ok(folder, project);
  const message = `There is no wrangler.jsonc in ${folder}`;
  return isNamed
    ? fail(message, "name the folder that holds it")
    : skip(`${message}: the project's checks are left out`);
}

/** Whether what is installed belongs together, and with this program. */
export function checkPackages(project: Project): Finding {
  const { installed, missing, differing } = findOwnPackages(project);
  if (missing.length > 0) {
    return fail(`not installed: ${missing.join(", ")}`, "run `npm install` in the project");
  }
  const all = listed(installed);
  const install = `npm install ${installed.map(({ name }) => `${name}@${__VERSION__}`).join(" ")}`;
  const { version: theirs } = installed[0]!;
  if (installed.some(({ version }) => version !== theirs)) {
    return fail(`versions differ: ${all}`, `\`${install}\``);
  }
  const { version: sdk, wanted } = findAgentSdk(project);
  if (sdk !== wanted) {
    const fix = `run \`npm install\`; if it stays so, take ${AGENT_SDK} out of the project's package.json and its overrides`;
    return sdk === undefined
      ? fail(`not installed: ${AGENT_SDK}`, fix)
      : warn(`the Agent SDK is ${sdk}; the runner is built for ${wanted}`, fix);
  }
  if (differing.length > 0) {
    const fix = `\`npm install --save-dev claude-edge@${theirs}\` there, or \`${install}\``;
    return warn(`${all}; this claude-edge is ${__VERSION__}`, fix);
  }
  return ok(`${all}, Agent SDK ${sdk}`);
}
