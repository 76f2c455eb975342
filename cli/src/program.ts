import { EXIT } from "@claude-edge/protocol/errors";
import { Command } from "commander";

import type { Context } from "./context.js";
import { defineAccounts } from "./definitions/accounts.js";
import { defineAudit } from "./definitions/audit.js";
import { defineChat } from "./definitions/chat.js";
import { defineCompletion } from "./definitions/completion.js";
import { defineConfig } from "./definitions/config.js";
import { defineDeploy } from "./definitions/deploy.js";
import { defineDev } from "./definitions/dev.js";
import { defineDoctor } from "./definitions/doctor.js";
import { defineFiles } from "./definitions/files.js";
import { defineInit } from "./definitions/init.js";
import { defineLimits } from "./definitions/limits.js";
import { defineLogin, defineLogout, defineWhoami } from "./definitions/login.js";
import { defineLogs } from "./definitions/logs.js";
import { defineNetwork } from "./definitions/network.js";
import { defineQuery } from "./definitions/query.js";
import { defineRequests } from "./definitions/requests.js";
import { defineSecrets } from "./definitions/secrets.js";
import { defineServe } from "./definitions/serve.js";
import { defineSessions } from "./definitions/sessions.js";
import { defineSteer } from "./definitions/steer.js";
import { defineStdio } from "./definitions/stdio.js";
import { defineTokens } from "./definitions/tokens.js";
import { defineTrace } from "./definitions/trace.js";
import { defineUsage } from "./definitions/usage.js";
import { defineWebhooks } from "./definitions/webhooks.js";

declare const __VERSION__: string;

const MEANINGS: Record<keyof typeof EXIT, string> = {
  ok: "done",
  failed: "failed",
  usage: "wrong use",
  cancelled: "declined when asked",
  auth: "not authorized",
  notFound: "not found",
  conflict: "in use or in conflict",
  retryLater: "try again later",
  streamCut: "the stream was cut",
  interrupted: "interrupted",
};

const EXIT_CODES = Object.entries(MEANINGS)
  .map(([name, meaning]) => `\n${String(EXIT[name as keyof typeof EXIT]).padStart(5)}  ${meaning}`)
  .join("");

/** The commands, under what they are for. */
const GROUPS: Record<string, ((context: Context) => Command)[]> = {
  "Talk:": [
    defineQuery,
    defineChat,
    defineSteer,
    defineSessions,
    defineFiles,
    defineRequests,
    defineTrace,
    defineStdio,
  ],
  "Build:": [defineInit, defineDev, defineDeploy, defineSecrets, defineLogs, defineServe],
  "Deployments:": [defineLogin, defineLogout, defineWhoami, defineConfig],
  "Accounts:": [
    defineAccounts,
    defineTokens,
    defineUsage,
    defineLimits,
    defineNetwork,
    defineWebhooks,
    defineAudit,
  ],
  "This program:": [defineDoctor, defineCompletion],
};

/** The command line as commander parses it; each command's own file says what it takes, and loads what it does. */
export function createProgram(context: Context): Command {
  const program = new Command("claude-edge")
    .description("The Claude Agent SDK over the network, on Cloudflare.")
    .version(__VERSION__, "-v, --version")
    .addHelpText("after", `\nExit codes:${EXIT_CODES}`);

  for (const [heading, definitions] of Object.entries(GROUPS)) {
    program.commandsGroup(heading);
    for (const define of definitions) program.addCommand(define(context));
  }
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
