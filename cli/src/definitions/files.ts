import { Command, InvalidArgumentError } from "commander";

import type { Context } from "../context.js";
import { examples, withTarget } from "./flags.js";

const SESSION = "the session, or the first 8 characters or more of its id";
const AT = "as they were at the end of a turn (8 characters of its id will do) or at a checkpoint";

const permissions = (value: string): number => {
  if (/^0?[0-7]{3}$/.test(value)) return Number.parseInt(value, 8);
  throw new InvalidArgumentError("It must be permissions like 644 or 755.");
};

export const defineFiles = (context: Context): Command =>
  new Command("files")
    .description("the files of a session's workspace, whether its container runs or not")
    .addHelpText(
      "after",
      `
Paths are relative to the workspace. Writing waits for no turn: while one of the session runs or is queued, it is refused.
${examples(
  "claude-edge files ls 9f8b0ae3",
  "claude-edge files get 9f8b0ae3 report.md -o -",
  "claude-edge files push 9f8b0ae3 ./project",
)}`,
    )
    .addCommand(defineLs(context))
    .addCommand(defineGet(context))
    .addCommand(definePut(context))
    .addCommand(defineRm(context))
    .addCommand(defineDiff(context))
    .addCommand(definePull(context))
    .addCommand(definePush(context));

const defineLs = (context: Context) =>
  withTarget(
    new Command("ls")
      .description("list files: permissions, size and path")
      .argument("<session>", SESSION)
      .argument("[path]", "a folder; the workspace itself without it")
      .option("-r, --recursive", "what is in its folders too")
      .option("--at <state>", AT)
      .option("--json", "a JSON object a line"),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge files ls 9f8b0ae3",
        "claude-edge files ls 9f8b0ae3 src --recursive --at 5c1f2d7e",
        "claude-edge files ls 9f8b0ae3 -r --json | jq -r .sha256",
      ),
    )
    .action(async (session: string, path: string | undefined, options) => {
      const { listFiles } = await import("../commands/list-files.js");
      context.exitCode = await listFiles(session, path, options, context);
    });

const defineGet = (context: Context) =>
  withTarget(
    new Command("get")
      .description("fetch a file")
      .argument("<session>", SESSION)
      .argument("<path>", "the file")
      .option("-o, --output <file>", "where to put it, - for standard output; here without it")
      .option("--at <state>", AT)
      .option("--force", "overwrite what is there")
      .option("--json", "a JSON object of what was saved"),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge files get 9f8b0ae3 out/report.pdf",
        "claude-edge files get 9f8b0ae3 src/main.ts -o - | less",
        "claude-edge files get 9f8b0ae3 notes.md --at 5c1f2d7e -o notes.old.md",
      ),
    )
    .action(async (session: string, path: string, options) => {
      const { getFile } = await import("../commands/get-file.js");
      context.exitCode = await getFile(session, path, options, context);
    });

const definePut = (context: Context) =>
  withTarget(
    new Command("put")
      .description("write a file")
      .argument("<session>", SESSION)
      .argument("<local>", "a file of this machine, or - for standard input")
      .argument("[path]", "where it goes; into a folder with a slash behind. Its own name without")
      .option("--mode <bits>", "its permissions, like 755; the file's own without it", permissions)
      .option("--json", "a JSON object of what was written"),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge files put 9f8b0ae3 data.csv",
        "claude-edge files put 9f8b0ae3 build.sh scripts/ --mode 755",
        "git diff | claude-edge files put 9f8b0ae3 - changes.diff",
      ),
    )
    .action(async (session: string, local: string, path: string | undefined, options) => {
      const { putFile } = await import("../commands/put-file.js");
      context.exitCode = await putFile(session, local, path, options, context);
    });

const defineRm = (context: Context) =>
  withTarget(
    new Command("rm")
      .description("delete files; earlier states keep them")
      .argument("<session>", SESSION)
      .argument("<path...>", "the files")
      .option("-r, --recursive", "folders too, with all they hold")
      .option("--json", "a JSON object a line"),
  )
    .addHelpText(
      "after",
      examples("claude-edge files rm 9f8b0ae3 notes.md", "claude-edge files rm 9f8b0ae3 -r build"),
    )
    .action(async (session: string, paths: string[], options) => {
      const { deleteFiles } = await import("../commands/delete-files.js");
      context.exitCode = await deleteFiles(session, paths, options, context);
    });

const defineDiff = (context: Context) =>
  withTarget(
    new Command("diff")
      .description("say which files differ between two states")
      .argument("<session>", SESSION)
      .argument("[from]", "a turn, for its end, or a checkpoint; the beginning without it")
      .argument("[to]", "the same; the newest without it")
      .option("-p, --patch", "as a unified diff")
      .option("--json", "a JSON object a line"),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge files diff 9f8b0ae3",
        "claude-edge files diff 9f8b0ae3 5c1f2d7e --patch | less",
        "claude-edge files diff 9f8b0ae3 0 5c1f2d7e --json",
      ),
    )
    .action(async (session: string, from: string | undefined, to: string | undefined, options) => {
      const { diffFiles } = await import("../commands/diff-files.js");
      context.exitCode = await diffFiles(session, from, to, options, context);
    });

const definePull = (context: Context) =>
  withTarget(
    new Command("pull")
      .description("fetch a folder with all it holds")
      .argument("<session>", SESSION)
      .argument("[folder]", "where to put it", ".")
      .option("--path <path>", "a folder of the workspace; all of it without it")
      .option("--at <state>", AT)
      .option("--force", "overwrite files that are there")
      .option("--json", "a JSON object of what came"),
  )
    .addHelpText(
      "after",
      `
All or nothing: no file is put in its place before all have come. Links that lead out of the folder are left out.
${examples(
  "claude-edge files pull 9f8b0ae3 result",
  "claude-edge files pull 9f8b0ae3 src --path src --force",
)}`,
    )
    .action(async (session: string, folder: string, options) => {
      const { pullFiles } = await import("../commands/pull-files.js");
      context.exitCode = await pullFiles(session, folder, options, context);
    });

const definePush = (context: Context) =>
  withTarget(
    new Command("push")
      .description("send a folder with all it holds")
      .argument("<session>", SESSION)
      .argument("<folder>", "a folder of this machine")
      .option("--path <path>", "where its files go; into the workspace itself without it")
      .option("--json", "a JSON object of what was written"),
  )
    .addHelpText(
      "after",
      `
All or nothing, up to 100 MiB. Files of the workspace that are not in the folder stay.
Left out: node_modules, .venv, venv, __pycache__, .pytest_cache, .mypy_cache, .ruff_cache, .cache, .npm, .pnpm-store,
.turbo, .gradle.
${examples(
  "claude-edge files push 9f8b0ae3 .",
  "claude-edge files push 9f8b0ae3 ./data --path data",
)}`,
    )
    .action(async (session: string, folder: string, options) => {
      const { pushFiles } = await import("../commands/push-files.js");
      context.exitCode = await pushFiles(session, folder, options, context);
    });
