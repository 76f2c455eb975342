import { Command, Option } from "commander";

import type { Context } from "../context.js";
import { collect, examples, withDefault, withTarget } from "./flags.js";

export const defineRequests = (context: Context): Command =>
  withDefault(
    new Command("requests").description(
      "requests that wait for an answer: tools that need approval, hosts to reach, and the agent's questions",
    ),
    defineList(context),
  )
    .addHelpText(
      "after",
      `
Without a command it lists; claude-edge requests list --help has the options.
${examples(
  "claude-edge requests",
  "claude-edge requests answer 8051cca7 --allow",
  'claude-edge requests answer 8051cca7 --deny "Not on a Friday."',
)}`,
    )
    .addCommand(defineAnswer(context));

const defineList = (context: Context) =>
  withTarget(
    new Command("list")
      .description("list the account's requests, oldest first")
      .option("--session <id>", "only this session's")
      .addOption(
        new Option("--status <status>", "those that are in this state")
          .choices(["pending", "answered", "cancelled", "expired", "any"])
          .default("pending"),
      )
      .option("-f, --follow", "wait for more, and show each as it is made and as it is resolved")
      .option("--json", "a JSON object a line, those for hooks and MCP servers too"),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge requests list",
        "claude-edge requests list --follow",
        "claude-edge requests list --json | jq -r .id",
      ),
    )
    .action(async (options) => {
      const { listRequests } = await import("../commands/list-requests.js");
      context.exitCode = await listRequests(options, context);
    });

const defineAnswer = (context: Context) =>
  withTarget(
    new Command("answer")
      .description("answer a request; in a terminal it asks for the answer when none is given")
      .argument("<id>", "the request, or the first 8 characters or more of one that is pending")
      .option("--allow", "let the tool run this once; of a host: for its turn")
      .option("--allow-for-session", "and the like of it for the rest of the session")
      .option("--allow-for-account", "of a host: for all sessions of the account")
      .option("--deny [message]", "do not; the agent, or the program, is told the message")
      .option("--answer <text>", "to a question; of several: question=answer, for each", collect)
      .option("--by <name>", "who answers; the user of this machine without it")
      .option("--json", "a JSON object: the request, now answered"),
  )
    .addHelpText(
      "after",
      examples(
        "claude-edge requests answer 8051cca7",
        "claude-edge requests answer 8051cca7 --allow-for-session",
        'claude-edge requests answer 8051cca7 --deny "Use the staging database."',
        "claude-edge requests answer 0d0bc005 --answer Blue",
        'claude-edge requests answer 0d0bc005 --answer "Which colour?=Blue" --answer "Which size?=XL"',
      ),
    )
    .action(async (id: string, options) => {
      const { answerRequest } = await import("../commands/answer-request.js");
      context.exitCode = await answerRequest(id, options, context);
    });
