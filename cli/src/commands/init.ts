import { existsSync } from "node:fs";
import { join, relative, sep } from "node:path";

import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import { writeJson, type Context } from "../context.js";
import { askForInit } from "../init/ask.js";
import { checkMachine } from "../init/checks.js";
import { initOptions, type InitFlags, type InitOptions } from "../init/options.js";
import { detectPackageManager, PACKAGE_MANAGERS } from "../init/package-managers.js";
import { planFiles } from "../init/plan.js";
import { stage } from "../init/stages.js";
import { packInto, sourceCheckout } from "../init/vendor.js";
import { conflicts, writeProject } from "../init/write.js";
import { canAsk } from "../terminal/prompts.js";
import { printable } from "../terminal/printable.js";

declare const __VERSION__: string;

/** `claude-edge init`. Gives the exit code. */
export async function init(
  argument: string | undefined,
  given: InitFlags,
  context: Context,
): Promise<number> {
  const { cwd, env, stdout, stderr } = context;
  const asks = !given.yes && !given.json && canAsk(context);
  const answers = asks
    ? await askForInit(argument, given, context)
    : { folder: argument, ...given };
  if (!answers) return EXIT.interrupted;
  // The empty one of a variable that is not set would be the current folder.
  if (!answers.folder) {
    throw new EdgeError("usage", "Which folder? claude-edge init <folder>.");
  }
  const detected = detectPackageManager(env, cwd);
  const options = initOptions(answers.folder, answers, { cwd, detected });
  const { folder } = options;
  const checkout = sourceCheckout();
  const planned = planFiles(options, { version: __VERSION__, isVendored: checkout !== undefined });
  // Keys that are there may be the only copy of them.
  const files = planned.filter(
    ({ path, isSecret }) => !isSecret || !existsSync(join(folder, path)),
  );
  const paths = files.map(({ path }) => path);

  const inTheWay = conflicts(folder, files);
  if (inTheWay.length > 0 && !given.force) {
    const message = `${folder} holds already: ${inTheWay.join(", ")}.`;
    throw new EdgeError("files_exist", message, { files: inTheWay });
  }
  const next = nextSteps(options, cwd);
  const report = {
    folder,
    name: options.name,
    package_manager: options.packageManager,
    files: paths,
    replaced: inTheWay,
    vendored: checkout !== undefined,
    dry_run: given.dryRun ?? false,
    next,
  };
  const say = stage(context, given.json ?? false);
  if (given.dryRun) say("Would create", folder, paths);
  else {
    writeProject(folder, files, (temporary) => {
      if (checkout !== undefined) packInto(join(temporary, "vendor"), checkout, env);
    });
    say("Create", folder, paths);
  }
  say("Configure", summary(options));
  const findings = await checkMachine(options, context);
  say(
    "Check",
    findings.every(({ isGood }) => isGood) ? "all there" : "something is missing",
    findings.map(({ isGood, text }) => `${isGood ? "ok" : "!!"} ${text}`),
  );
  if (given.json) await writeJson(stdout, report);
  else stderr.write(`\nNext:\n${next.map((line) => `  ${line}\n`).join("")}`);
  return EXIT.ok;
}

const summary = ({
  name,
  isolation,
  instance,
  sleepAfter,
  scheduling,
  r2,
  regions,
  jurisdiction,
}: InitOptions) =>
  [
    name,
    isolation === "account" ? "a container an account" : "a container a session",
    instance,
    `asleep after ${sleepAfter}`,
    ...(scheduling === "default" ? [] : ["scheduled by Durable Object"]),
    ...regions,
    ...(jurisdiction ? [`jurisdiction ${jurisdiction}`] : []),
    ...(r2 ? ["R2"] : []),
  ].join(", ");

/** A path as it is typed into a shell. */
function inShell(path: string): string {
  const safe = path.startsWith("-") ? `./${path}` : path;
  if (/^[\p{L}\p{N}_./+@:\\-]+$/u.test(safe) && (sep === "\\" || !safe.includes("\\"))) return safe;
  return /["$`!\\]/.test(safe) && sep === "/"
    ? `'${printable(safe).replaceAll("'", `'\\''`)}'`
    : `"${printable(safe)}"`;
}

/** At most four lines to type. */
function nextSteps({ folder, packageManager }: InitOptions, cwd: string): string[] {
  const { install, exec } = PACKAGE_MANAGERS[packageManager];
  const path = relative(cwd, folder);
  return [
    ...(path ? [`cd ${inShell(path)}`] : []),
    install,
    `${exec} claude-edge dev`,
    `${exec} claude-edge query "What can you do?"   (in another terminal)`,
  ];
}
