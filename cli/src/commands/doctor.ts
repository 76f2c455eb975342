import { resolve } from "node:path";
import { EXIT } from "@claude-edge/protocol/errors";

import { write, writeJson, type Context } from "../context.js";
import { checkContainer, checkRunner } from "../doctor/container.js";
import { checkToken, findModelCredential, judgeModelCredential } from "../doctor/credentials.js";
import {
  authorized,
  checkAccess,
  checkClock,
  checkFiles,
  checkModel,
  checkReach,
  checkVersion,
} from "../doctor/deployment.js";
import { Checks, needs, warn, type Finding } from "../doctor/finding.js";
import { checkDocker, checkNode } from "../doctor/machine.js";
import { checkMcpServers } from "../doctor/mcp.js";
import { checkPackages, checkProject } from "../doctor/project.js";
import { checkStream } from "../doctor/stream.js";
import { checkTarget } from "../doctor/target.js";
import { readDevVars } from "../project/dev-vars.js";
import { findAgentSdk } from "../project/packages.js";
import { assertFolder, projectIn, type Project } from "../project/project.js";
import { connect, findTarget, type TargetFlags } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";
import { inStyle } from "../terminal/style.js";

export interface DoctorFlags extends TargetFlags {
  start?: boolean;
  json?: boolean;
}

/** A container's start may take 90 s by default, milliseconds. */
const START_LIMIT_MS = 120_000;

/** `claude-edge doctor`. Gives the exit code: 0 when no check fails. */
export async function doctor(
  named: string | undefined,
  flags: DoctorFlags,
  context: Context,
): Promise<number> {
  const folder = resolve(context.cwd, named ?? ".");
  assertFolder(folder);
  const { all } = beginChecks(folder, named !== undefined, flags, context);
  const report: object[] = [];
  let hasFailed = false;
  for (const { id, finding } of all) {
    const { status, message, fix } = await finding;
    if (context.signal.aborted) return EXIT.interrupted;
    hasFailed ||= status === "fail";
    if (flags.json) report.push({ id, status, message, ...(fix === undefined ? {} : { fix }) });
    else await write(context.stdout, lines(id, { status, message, fix }, context));
  }
  if (flags.json) await writeJson(context.stdout, { checks: report });
  return hasFailed ? EXIT.failed : EXIT.ok;
}

/** Begins all of them; those that need another's finding wait for it. In the order in which they are told. */
function beginChecks(
  folder: string,
  isNamed: boolean,
  flags: DoctorFlags,
  context: Context,
): Checks {
  const { env, signal } = context;
  const checks = new Checks(signal);
  checks.begin("node", checkNode);
  checks.begin("docker", (stop) => checkDocker(env, stop));

  const found = projectIn(folder);
  const project = checks.begin("project", () => checkProject(folder, found, isNamed));
  checks.after(project, "packages", checkPackages);
  checks.after(project, "model-key", (value) => checkModelKey(value, env));

  const target = checks.begin("target", () =>
    checkTarget(findTarget(flags, { ...context, cwd: folder }), folder, env),
  );
  const reach = checks.after(target, "reach", checkReach);
  checks.after(reach, "clock", checkClock);
  checks.after(reach, "version", checkVersion);
  const token = checks.after(target, "token", checkToken);
  const access = checks.after(reach, "access", async (reached, stop) => {
    const { value } = await token.finding;
    return value === undefined ? needs(token) : checkAccess(reached, stop);
  });
  checks.after(access, "model", checkModel);
  checks.after(access, "files", checkFiles);
  const container = checks.after(
    access,
    "container",
    (known, stop) => checkContainer(known, flags.start ?? false, stop),
    START_LIMIT_MS,
  );
  const runner = checks.after(container, "runner", (known) =>
    checkRunner(known, found && findAgentSdk(found).version),
  );
  if (flags.start) {
    checks.after(
      container,
      "mcp",
      async (_runner, stop) => {
        for (const before of [container, runner]) {
          if ((await before.finding).status === "fail") return needs(before);
        }
        return checkMcpServers(connect(flags, { ...context, cwd: folder }), stop);
      },
      START_LIMIT_MS,
    );
  }
  checks.after(access, "stream", ({ target: { baseURL, ...rest } }, stop) =>
    checkStream(() =>
      fetch(`${baseURL}/v1/status/stream`, {
        headers: { ...authorized({ baseURL, ...rest }), accept: "text/event-stream" },
        redirect: "manual",
        signal: stop,
      }),
    ),
  );
  return checks;
}

/** The credential that `claude-edge dev` would ask the model with. */
function checkModelKey(project: Project, env: Context["env"]): Finding {
  const places = { ".dev.vars": readDevVars(project), "the environment": env };
  const found = findModelCredential(places);
  if (found) {
    const { credential, place } = found;
    return judgeModelCredential(credential, place, (name) => `set ${name} in .dev.vars`);
  }
  const fix = "claude-edge secrets set ANTHROPIC_API_KEY --local puts one into .dev.vars";
  const message = `no model credential in ${Object.keys(places).join(" or ")}`;
  return warn(`${message}: \`claude-edge dev\` asks the scripted model`, fix);
}

const MARKS = {
  ok: ["✓", "green"],
  warn: ["!", "yellow"],
  fail: ["✗", "red"],
  skip: ["-", "dim"],
} as const;

function lines(id: string, { status, message, fix }: Finding, { stdout }: Context): string {
  const [mark, colour] = MARKS[status];
  const marked = inStyle(colour, mark, stdout);
  return `${marked} ${id}: ${oneLine(message)}\n${fix ? `  fix: ${oneLine(fix)}\n` : ""}`;
}
