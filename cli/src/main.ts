import { EXIT } from "@claude-edge/protocol/errors";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";

import type { Context } from "./context.js";
import { reportError } from "./report.js";

declare const __VERSION__: string;

const EXIT_CODES = `
Exit codes:
  0 done · 1 failed · 2 wrong use · 4 not authorized · 5 not found · 6 in use or in conflict
  7 try again later · 8 the stream was cut · 130 interrupted`;

const list = (value: string) => value.split(/[,\s]+/).filter(Boolean);

const collect = (value: string, before: string[] = []) => [...before, value];

const positive = (value: string) => {
  const number = Number(value);
  if (!(number > 0)) throw new InvalidArgumentError("It must be a positive number.");
  return number;
};

const positiveInteger = (value: string) => {
  const number = positive(value);
  if (!Number.isInteger(number)) throw new InvalidArgumentError("It must be a whole number.");
  return number;
};

function createProgram(context: Context): Command {
  const program = new Command("claude-edge")
    .description("The Claude Agent SDK over the network, on Cloudflare.")
    .version(__VERSION__, "-v, --version")
    .addHelpText("after", EXIT_CODES)
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    })
    .exitOverride();

  program.showHelpAfterError("(claude-edge --help says more)");

  program
    .command("query")
    .showHelpAfterError("(claude-edge query --help says more)")
    .description("send a prompt and print the answer as it comes (also: claude-edge -p)")
    .argument(
      "[prompt]",
      "the prompt; - or nothing reads standard input, and piped input is added to a prompt",
    )
    .option("-c, --continue", "continue the newest session")
    .option("-r, --resume <id>", "continue this session")
    .option("--session-id <uuid>", "the id of the new session")
    .option("--title <text>", "the title of the new session")
    .option("--output-format <format>", "text, json or stream-json", "text")
    .option("--include-partial-messages", "stream-json: pieces of messages too")
    .option("--model <name>", "the model")
    .option("--system-prompt <text>", "the system prompt")
    .option("--permission-mode <mode>", "default, acceptEdits, bypassPermissions, plan or dontAsk")
    .option("--allowed-tools <names>", "tools that need no approval, with commas between", list)
    .option("--disallowed-tools <names>", "tools the agent may not use, with commas between", list)
    .option("--max-turns <number>", "model calls with tools in between, at most", positiveInteger)
    .option("--max-budget-usd <number>", "what the session may cost", positive)
    .option("--json-schema <schema>", "a JSON schema the answer must fit")
    .option(
      "--permission-prompts <where>",
      "host: what needs approval waits for claude-edge requests where there is no terminal to ask in; none: never ask",
    )
    .option("--account <name>", "the account to act for")
    .option("--url <url>", "the deployment, instead of CLAUDE_EDGE_URL")
    .option("--verbose", "the model, times and cost, on standard error")
    .addHelpText(
      "after",
      `
Examples:
  claude-edge query "What does this project do?"
  git diff | claude-edge query "Review this" --model claude-sonnet-5-5
  claude-edge query -c "And the tests?" --output-format json | jq .result`,
    )
    .action(async (prompt: string | undefined, options) => {
      const { query } = await import("./commands/query.js");
      process.exitCode = await query(prompt, options, context);
    });

  const requests = program
    .command("requests")
    .description("what waits for an answer: tools that need approval, and the agent's questions")
    .addHelpText(
      "after",
      `
Without a command it lists; claude-edge requests list --help has the options.

Examples:
  claude-edge requests
  claude-edge requests answer 8051cca7 --allow
  claude-edge requests answer 8051cca7 --deny "Not on a Friday."`,
    );

  requests
    .command("list", { isDefault: true })
    .showHelpAfterError("(claude-edge requests list --help says more)")
    .description("list the account's requests, oldest first")
    .option("--session <id>", "only this session's")
    .addOption(
      new Option("--status <status>", "those that are in this state")
        .choices(["pending", "answered", "cancelled", "expired", "any"])
        .default("pending"),
    )
    .option("--json", "a JSON object a line, those for hooks and MCP servers too")
    .option("--account <name>", "the account to act for")
    .option("--url <url>", "the deployment, instead of CLAUDE_EDGE_URL")
    .addHelpText(
      "after",
      `
Examples:
  claude-edge requests list
  claude-edge requests list --json | jq -r .id`,
    )
    .action(async (options) => {
      const { listRequests } = await import("./commands/list-requests.js");
      process.exitCode = await listRequests(options, context);
    });

  requests
    .command("answer")
    .showHelpAfterError("(claude-edge requests answer --help says more)")
    .description("answer a request; in a terminal it asks for the answer when none is given")
    .argument("<id>", "the request, or the first 8 characters or more of one that is pending")
    .option("--allow", "let the tool run this once")
    .option("--allow-for-session", "and the like of it for the rest of the session")
    .option("--deny [message]", "do not; the agent is told the message")
    .option("--answer <text>", "to a question; of several: question=answer, for each", collect)
    .option("--by <name>", "who answers; the user of this machine without it")
    .option("--json", "print the request, now answered")
    .option("--account <name>", "the account to act for")
    .option("--url <url>", "the deployment, instead of CLAUDE_EDGE_URL")
    .addHelpText(
      "after",
      `
Examples:
  claude-edge requests answer 8051cca7
  claude-edge requests answer 8051cca7 --allow-for-session
  claude-edge requests answer 8051cca7 --deny "Use the staging database."
  claude-edge requests answer 0d0bc005 --answer Blue
  claude-edge requests answer 0d0bc005 --answer "Which colour?=Blue" --answer "Which size?=XL"`,
    )
    .action(async (id: string, options) => {
      const { answerRequest } = await import("./commands/answer-request.js");
      process.exitCode = await answerRequest(id, options, context);
    });

  program
    .command("dev")
    .showHelpAfterError("(claude-edge dev --help says more)")
    .description("run a project on this machine: no Docker, no Cloudflare account, no key")
    .argument("[folder]", "the project: the folder that holds wrangler.jsonc", ".")
    .option("--port <number>", "the Worker's port; 0 for any free one", "8787")
    .option("--scripted", "ask the scripted model even if there is a key")
    .addHelpText("after", "\nExamples:\n  claude-edge dev\n  claude-edge dev ./my-agent --port 0")
    .action(async (folder: string, options) => {
      const { dev } = await import("./commands/dev.js");
      process.exitCode = await dev(folder, options, context);
    });
  return program;
}

/** Runs the command line; gives its exit code. */
export async function main(args: string[]): Promise<number> {
  const { stdin, stdout, stderr, env } = process;
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(EXIT.interrupted);
    stop.abort();
  };
  const cwd = process.cwd();
  const { signal } = stop;
  const context: Context = { stdin, stdout, stderr, env, cwd, signal, interrupt: onSignal };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, onSignal);
  // `claude-edge … | head`: whoever read has what it wanted.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(EXIT.ok);
  });

  try {
    const words = args[0] === "-p" || args[0] === "--print" ? ["query", ...args.slice(1)] : args;
    const program = createProgram(context);
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync(words, { from: "user" });
    return Number(process.exitCode ?? EXIT.ok);
  } catch (error) {
    // commander has written its message; help and version end this way too, with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    // Whoever stopped it need not be told.
    if (stop.signal.aborted && (error as { code?: unknown }).code === "aborted") {
      return EXIT.interrupted;
    }
    return reportError(error, context);
  } finally {
    for (const name of signals) process.off(name, onSignal);
    // A prompt that is no longer awaited would keep the process waiting for it.
    stdin.destroy();
  }
}
