import { Command } from "commander";

import type { Context } from "./context.js";
import { defineChat } from "./definitions/chat.js";
import { defineDev } from "./definitions/dev.js";
import { defineQuery } from "./definitions/query.js";
import { defineRequests } from "./definitions/requests.js";

declare const __VERSION__: string;

const EXIT_CODES = `
Exit codes:
  0 done · 1 failed · 2 wrong use · 4 not authorized · 5 not found · 6 in use or in conflict
  7 try again later · 8 the stream was cut · 130 interrupted`;

/** The command line as commander parses it; each command's own file says what it takes, and loads what it does. */
export function createProgram(context: Context): Command {
  const program = new Command("claude-edge")
    .description("The Claude Agent SDK over the network, on Cloudflare.")
    .version(__VERSION__, "-v, --version")
    .addHelpText("after", EXIT_CODES);

  program.commandsGroup("Talk:");
  program.addCommand(defineChat(context));
  program.addCommand(defineQuery(context)).addCommand(defineRequests(context));
  program.commandsGroup("Build:");
  program.addCommand(defineDev(context));
  prepare(program, context, "claude-edge");
  return program;
}

/** What holds for every command: where it writes, how it ends, where its help is. */
function prepare(command: Command, context: Context, path: string): void {
  command
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    })
    .exitOverride()
    .showHelpAfterError(`(${path} --help says more)`);
  for (const child of command.commands) prepare(child, context, `${path} ${child.name()}`);
}
