import type { DeliveryResource, WebhookType, WebhookWithSecret } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";
import { WEBHOOK_TYPES } from "@claude-edge/protocol/wire";

import { write, writeJson, type Context } from "../context.js";
import { connect, type TargetFlags } from "../target/target.js";
import { oneLine, printable } from "../terminal/printable.js";
import { table } from "../terminal/table.js";

interface WebhookFlags extends TargetFlags {
  json?: boolean;
}

const MAX_URL = 60;

/** `claude-edge webhooks list`. Gives the exit code. */
export async function listWebhooks(flags: WebhookFlags, context: Context): Promise<number> {
  const { stdout, stderr, signal } = context;
  const webhooks = await connect(flags, context).webhooks.list({ signal });
  if (flags.json) {
    for (const webhook of webhooks) await writeJson(stdout, webhook);
    return EXIT.ok;
  }
  if (webhooks.length === 0) stderr.write("no webhooks\n");
  const rows = webhooks.map(({ id, enabled, failing_since, scope, name, url, types }) => [
    id,
    enabled ? (failing_since ? "failing" : "on") : "off",
    scope,
    name === null ? "-" : oneLine(name),
    oneLine(url, MAX_URL),
    types?.join(" ") ?? "all",
  ]);
  const head = ["ID", "STATUS", "OF", "NAME", "URL", "TYPES"];
  if (rows.length > 0) await write(stdout, table(head, rows, { width: stdout.columns }));
  for (const { id, disabled_reason } of webhooks) {
    if (disabled_reason) stderr.write(`${id} was switched off: ${printable(disabled_reason)}\n`);
  }
  return EXIT.ok;
}

/** `claude-edge webhooks add`. Gives the exit code. */
export async function addWebhook(
  url: string,
  flags: WebhookFlags & { type?: string[]; name?: string },
  context: Context,
): Promise<number> {
  const { name, type } = flags;
  const types = type && checked(type);
  const made = await connect(flags, context).webhooks.create({
    url,
    types,
    name,
    signal: context.signal,
  });
  await showSecret(made, flags, context);
  return EXIT.ok;
}

/** The commands that take a webhook and no more. Gives the exit code. */
export async function changeWebhook(
  command: "disable" | "enable" | "remove" | "rotate" | "test",
  id: string,
  flags: WebhookFlags,
  context: Context,
): Promise<number> {
  const { stdout, stderr, signal } = context;
  const { webhooks } = connect(flags, context);
  if (command === "remove") {
    await webhooks.delete(id, { signal });
    stderr.write(`${oneLine(id)} is gone\n`);
    return EXIT.ok;
  }
  if (command === "rotate") {
    await showSecret(await webhooks.rotate(id, { signal }), flags, context);
    return EXIT.ok;
  }
  if (command === "test") {
    const delivery = await webhooks.test(id, { signal });
    if (flags.json) await writeJson(stdout, delivery);
    else stderr.write(`${describe(delivery)}\n`);
    return delivery.status === "delivered" ? EXIT.ok : EXIT.failed;
  }
  const webhook = await webhooks.update(id, { enabled: command === "enable", signal });
  if (flags.json) await writeJson(stdout, webhook);
  else stderr.write(`${webhook.id} is ${webhook.enabled ? "on" : "off"}\n`);
  return EXIT.ok;
}

/** `claude-edge webhooks deliveries`. Gives the exit code. */
export async function listDeliveries(
  id: string,
  flags: WebhookFlags & { status?: DeliveryResource["status"] },
  context: Context,
): Promise<number> {
  const { stdout, stderr, signal } = context;
  const found: DeliveryResource[] = [];
  const limit = flags.json ? Infinity : 100;
  const { status } = flags;
  for await (const delivery of connect(flags, context).webhooks.deliveries(id, {
    status,
    limit,
    signal,
  })) {
    if (flags.json) await writeJson(stdout, delivery);
    else found.push(delivery);
  }
  if (flags.json) return EXIT.ok;
  if (found.length === 0) stderr.write("nothing was sent\n");
  const rows = found.map((delivery) => [
    delivery.id,
    delivery.status,
    delivery.type,
    String(delivery.attempts),
    delivery.created_at,
    oneLine(delivery.last_error ?? "-", MAX_URL),
  ]);
  const head = ["ID", "STATUS", "TYPE", "TRIES", "CREATED", "LAST ERROR"];
  if (rows.length > 0) await write(stdout, table(head, rows, { width: stdout.columns }));
  return EXIT.ok;
}

/** `claude-edge webhooks resend`. Gives the exit code. */
export async function resend(
  id: string,
  deliveryId: string | undefined,
  flags: TargetFlags,
  context: Context,
): Promise<number> {
  const { signal, stderr } = context;
  const count = await connect(flags, context).webhooks.resend(id, { deliveryId, signal });
  stderr.write(`${count} will be sent again\n`);
  return EXIT.ok;
}

async function showSecret(
  webhook: WebhookWithSecret,
  { json }: WebhookFlags,
  { stdout, stderr }: Context,
): Promise<void> {
  if (json) return writeJson(stdout, webhook);
  stderr.write(`webhook ${webhook.id}\n  its secret is not shown again\n`);
  await write(stdout, `${webhook.secret}\n`);
}

function describe({ status, last_status, last_error }: DeliveryResource): string {
  return status === "delivered" ? `it answered ${last_status}` : oneLine(last_error ?? status);
}

/** @throws EdgeError `usage`. */
function checked(types: string[]): WebhookType[] {
  const isKnown = (type: string): type is WebhookType =>
    (WEBHOOK_TYPES as readonly string[]).includes(type);
  const unknown = types.find((type) => !isKnown(type));
  if (unknown === undefined) return types.filter(isKnown);
  const message = `--type: there is no type ${JSON.stringify(unknown)}; there are ${WEBHOOK_TYPES.join(", ")}.`;
  throw new EdgeError("usage", message);
}
