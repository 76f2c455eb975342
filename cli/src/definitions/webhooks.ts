import { Command, Option } from "commander";

import type { Context } from "../context.js";
import { examples, list, withDefault, withTarget } from "./flags.js";

/** Stands for the id of a webhook in examples. */
const ID = "wh_8051cca702dd4b7091d755c70daa0cda";

const types = (value: string, before: string[] = []): string[] => [...before, ...list(value)];

export const defineWebhooks = (context: Context): Command =>
  withDefault(
    new Command("webhooks").description(
      "addresses that are told what happens: turns that end or wait, requests, spent budgets",
    ),
    defineList(context),
  )
    .addHelpText(
      "after",
      `
Without a command it lists; claude-edge webhooks list --help has the options.
It takes the root key, or a token with the scope admin. docs/webhooks.md says what is sent.
${examples(
  "claude-edge webhooks add https://example.com/hook --type request.created,turn.failed",
  `claude-edge webhooks test ${ID}`,
  `claude-edge webhooks deliveries ${ID} --status dead`,
)}`,
    )
    .addCommand(defineAdd(context))
    .addCommand(defineChange(context, "enable", "switch one on again: what waited is sent"))
    .addCommand(defineChange(context, "disable", "switch one off"))
    .addCommand(defineChange(context, "test", "send a test to one, once, and say what it answered"))
    .addCommand(defineDeliveries(context))
    .addCommand(defineResend(context))
    .addCommand(defineChange(context, "rotate", "give one a new secret; both sign for a day"))
    .addCommand(defineChange(context, "remove", "remove one, with what it was yet to be sent"));

const defineList = (context: Context) =>
  withTarget(
    new Command("list")
      .description("list the account's webhooks")
      .option("--json", "a JSON object a line"),
  )
    .addHelpText("after", examples("claude-edge webhooks list"))
    .action(async (options) => {
      const { listWebhooks } = await import("../commands/webhooks.js");
      context.exitCode = await listWebhooks(options, context);
    });

const defineAdd = (context: Context) =>
  withTarget(
    new Command("add")
      .description("add an address and print its secret: it is not shown again")
      .argument("<url>", "a public https:// address")
      .option("--type <type>", "what it is told of, like request.created; all without it", types)
      .option("--name <name>", "what people call it")
      .option("--json", "a JSON object with the secret in it"),
  )
    .addHelpText(
      "after",
      examples("claude-edge webhooks add https://example.com/hook --type turn.completed"),
    )
    .action(async (url: string, options) => {
      const { addWebhook } = await import("../commands/webhooks.js");
      context.exitCode = await addWebhook(url, options, context);
    });

const defineChange = (
  context: Context,
  command: "disable" | "enable" | "remove" | "rotate" | "test",
  description: string,
) =>
  withTarget(
    new Command(command)
      .description(description)
      .argument("<id>", "as `webhooks list` shows it")
      .option("--json", "a JSON object of what came of it"),
  )
    .addHelpText("after", examples(`claude-edge webhooks ${command} ${ID}`))
    .action(async (id: string, options) => {
      const { changeWebhook } = await import("../commands/webhooks.js");
      context.exitCode = await changeWebhook(command, id, options, context);
    });

const defineDeliveries = (context: Context) =>
  withTarget(
    new Command("deliveries")
      .description("list what a webhook was sent and is to be sent, newest first")
      .argument("<id>", "the webhook, as `webhooks list` shows it")
      .addOption(
        new Option("--status <status>", "those that are in this state").choices([
          "pending",
          "delivered",
          "paused",
          "dead",
        ]),
      )
      .option("--json", "a JSON object a line"),
  )
    .addHelpText(
      "after",
      examples(
        `claude-edge webhooks deliveries ${ID}`,
        `claude-edge webhooks deliveries ${ID} --status dead`,
      ),
    )
    .action(async (id: string, options) => {
      const { listDeliveries } = await import("../commands/webhooks.js");
      context.exitCode = await listDeliveries(id, options, context);
    });

const defineResend = (context: Context) =>
  withTarget(
    new Command("resend")
      .description("send again what was given up, or one delivery")
      .argument("<id>", "the webhook, as `webhooks list` shows it")
      .argument("[delivery]", "as `webhooks deliveries` shows it"),
  )
    .addHelpText(
      "after",
      examples(`claude-edge webhooks resend ${ID}`, `claude-edge webhooks resend ${ID} 17`),
    )
    .action(async (id: string, delivery: string | undefined, options) => {
      const { resend } = await import("../commands/webhooks.js");
      context.exitCode = await resend(id, delivery, options, context);
    });
