import { Command, Option } from "commander";

import type { Context } from "../context.js";
import {
  examples,
  lifetime,
  positiveInteger,
  wholeNumber,
  withAnswerFormat,
  withDefault,
  withFiles,
  withTarget,
} from "./flags.js";

const ID = "the session, or the first 8 characters or more of its id";

export const defineSessions = (context: Context): Command =>
  withDefault(
    new Command("sessions").description("the account's sessions: conversations with the agent"),
    defineList(context),
  )
    .addHelpText(
      "after",
      `
Without a command it lists; claude-edge sessions list --help has the options.
${examples(
  "claude-edge sessions",
  "claude-edge sessions show 9f8b0ae3",
  'claude-edge sessions resume 9f8b0ae3 "And the tests?"',
)}`,
    )
    .addCommand(defineShow(context))
    .addCommand(defineResume(context))
    .addCommand(defineFork(context))
    .addCommand(defineRewind(context))
    .addCommand(defineRename(context))
    .addCommand(defineInterrupt(context))
    .addCommand(defineExport(context))
    .addCommand(defineExpire(context))
    .addCommand(defineDelete(context))
    .addCommand(defineEvents(context));

const defineList = (context: Context) =>
  withTarget(
    new Command("list")
      .description("list sessions, the one last used first")
      .option("--limit <number>", "so many of them", positiveInteger, 20)
      .addOption(new Option("--all", "all of them").conflicts("limit"))
      .option("--tag <tag>", "those with this tag")
      .addOption(
        new Option("--status <status>", "those that are").choices(["idle", "running", "waiting"]),
      )
      .option("--title <text>", "those with this text in their title")
      .option("--json", "a JSON object a line"),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge sessions list",
        "claude-edge sessions list --status waiting --tag billing",
        "claude-edge sessions list --all --json | jq -r '.id + \" \" + .title'",
      ),
    )
    .action(async (options) => {
      const { listSessions } = await import("../commands/list-sessions.js");
      context.exitCode = await listSessions(options, context);
    });

const defineShow = (context: Context) =>
  withTarget(
    new Command("show")
      .description("show what a session is, and what was said and done in it")
      .argument("<id>", ID)
      .option("--last <number>", "so many turns of it", positiveInteger, 10)
      .option("--json", "a JSON object"),
  )
    .addHelpText(
      "after",
      `
Sums of costs and tokens are over all turns. A fork begins without turns: what it remembers is told by the session that
it was forked from.
${examples(
  "claude-edge sessions show 9f8b0ae3",
  "claude-edge sessions show 9f8b0ae3 --last 100 | less",
  "claude-edge sessions show 9f8b0ae3 --json | jq .figures.cost_usd",
)}`,
    )
    .action(async (id: string, options) => {
      const { showSession } = await import("../commands/show-session.js");
      context.exitCode = await showSession(id, options, context);
    });

const defineResume = (context: Context) =>
  withTarget(
    withAnswerFormat(
      withFiles(
        new Command("resume")
          .description("send a session a prompt, as claude-edge query -r does")
          .argument("<id>", ID)
          .argument(
            "[prompt]",
            "the prompt; - reads standard input, and piped input is added to it",
          ),
      ),
    ),
  )
    .addHelpText(
      "after",
      examples(
        'claude-edge sessions resume 9f8b0ae3 "And the tests?"',
        "git diff | claude-edge sessions resume 9f8b0ae3",
      ),
    )
    .action(async (id: string, prompt: string | undefined, options) => {
      const { resumeSession } = await import("../commands/resume-session.js");
      context.exitCode = await resumeSession(id, prompt, options, context);
    });

const defineFork = (context: Context) =>
  withTarget(
    new Command("fork")
      .description("branch a session: prints the id of a new one that remembers what this one does")
      .argument("<id>", ID)
      .option("--at <uuid>", "remember up to this message, as claude-edge sessions events names it")
      .addOption(
        new Option(
          "--turn <id>",
          "remember up to the end of this turn, with the files as they were; 8 characters will do",
        ).conflicts("at"),
      )
      .option("--title <text>", "the title of the new session"),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge sessions fork 9f8b0ae3",
        "claude-edge sessions fork 9f8b0ae3 --turn 5c1f2d7e",
        'claude-edge query -r "$(claude-edge sessions fork 9f8b0ae3)" "Try it another way."',
      ),
    )
    .action(async (id: string, options) => {
      const { forkSession } = await import("../commands/fork-session.js");
      context.exitCode = await forkSession(id, options, context);
    });

const defineRewind = (context: Context) =>
  withTarget(
    new Command("rewind")
      .description("take a session back to the end of a turn: what it remembers, and its files")
      .argument("<id>", ID)
      .argument("[turn]", "the turn; 8 characters of its id will do, as sessions show has them")
      .option("--to-start", "to the beginning, before its first turn")
      .option("--json", "a JSON object of what was done"),
  )
    .addHelpText(
      "after",
      `
What came after that turn is no longer remembered. The files of then can be had back: claude-edge files pull --at.
${examples(
  "claude-edge sessions rewind 9f8b0ae3 5c1f2d7e",
  "claude-edge sessions rewind 9f8b0ae3 --to-start",
)}`,
    )
    .action(async (id: string, turn: string | undefined, options) => {
      const { rewindSession } = await import("../commands/rewind-session.js");
      context.exitCode = await rewindSession(id, turn, options, context);
    });

const defineRename = (context: Context) =>
  withTarget(
    new Command("rename")
      .description("give a session another title")
      .argument("<id>", ID)
      .argument("<title>", "up to 200 characters"),
  )
    .addHelpText("after", examples('claude-edge sessions rename 9f8b0ae3 "Release notes"'))
    .action(async (id: string, title: string, options) => {
      const { renameSession } = await import("../commands/rename-session.js");
      context.exitCode = await renameSession(id, title, options, context);
    });

const defineInterrupt = (context: Context) =>
  withTarget(
    new Command("interrupt")
      .description("stop a session's turns, the queued ones too; the session stays")
      .argument("<id>", ID),
  )
    .addHelpText("after", examples("claude-edge sessions interrupt 9f8b0ae3"))
    .action(async (id: string, options) => {
      const { interruptSession } = await import("../commands/interrupt-session.js");
      context.exitCode = await interruptSession(id, options, context);
    });

const defineExport = (context: Context) =>
  withTarget(
    new Command("export")
      .description("save all of a session as a tar: turns, events, transcript and files")
      .argument("<id>", ID)
      .option("-o, --output <file>", "where to put it; standard output without it, or with -")
      .option("--force", "overwrite what is there"),
  )
    .addHelpText(
      "after",
      `
The tar holds session.json, turns.ndjson, events.ndjson, transcript.ndjson, and the files in files/, all of one moment.
An export that breaks off leaves no file behind, and on standard output a tar without its end.
${examples(
  "claude-edge sessions export 9f8b0ae3 -o session.tar",
  "claude-edge sessions export 9f8b0ae3 | gzip > session.tar.gz",
  "claude-edge sessions export 9f8b0ae3 | tar -xO events.ndjson | jq .kind",
)}`,
    )
    .action(async (id: string, options) => {
      const { exportSession } = await import("../commands/export-session.js");
      context.exitCode = await exportSession(id, options, context);
    });

const defineExpire = (context: Context) =>
  withTarget(
    new Command("expire")
      .description("have a session deleted when it was not used for a time")
      .argument("<id>", ID)
      .argument("<time>", "30d, 12h, 45m; or never: as the deployment has it", lifetime),
  )
    .addHelpText(
      "after",
      `
The time begins now, and anew with each turn that ends and each change of its files. While a turn runs or waits for an
answer, nothing is deleted.
${examples(
  "claude-edge sessions expire 9f8b0ae3 12h",
  "claude-edge sessions expire 9f8b0ae3 never",
)}`,
    )
    .action(async (id: string, time: number | "never", options) => {
      const { expireSession } = await import("../commands/expire-session.js");
      context.exitCode = await expireSession(id, time, options, context);
    });

const defineDelete = (context: Context) =>
  withTarget(
    new Command("delete")
      .description("delete sessions with all they hold, and stop what runs of them")
      .argument("<id...>", "the sessions, or the first 8 characters or more of their ids")
      .option("-y, --yes", "do not ask"),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge sessions delete 9f8b0ae3",
        "claude-edge sessions delete 9f8b0ae3 46e9561b --yes",
      ),
    )
    .action(async (ids: string[], options) => {
      const { deleteSessions } = await import("../commands/delete-sessions.js");
      context.exitCode = await deleteSessions(ids, options, context);
    });

const defineEvents = (context: Context) =>
  withTarget(
    new Command("events")
      .description("print a session's events, a JSON object a line")
      .argument("<id>", ID)
      .option("-f, --follow", "go on with what comes, until Ctrl-C")
      .option("--after <seq>", "only those behind this one", wholeNumber, 0)
      .option("--turn <id>", "only this turn's; with --follow up to its end"),
  )
    .addHelpText(
      "after",
      `
Without --follow it ends with what there is. Ctrl-C ends --follow with 130, as it does tail -f.
Pieces of messages (kind delta) are kept while their turn runs and for about a minute after it.
${examples(
  "claude-edge sessions events 9f8b0ae3 | jq -c 'select(.kind == \"turn\")'",
  "claude-edge sessions events 9f8b0ae3 --follow --after 41",
)}`,
    )
    .action(async (id: string, options) => {
      const { sessionEvents } = await import("../commands/session-events.js");
      context.exitCode = await sessionEvents(id, options, context);
    });
