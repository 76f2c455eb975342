import type { FeedEntry } from "@claude-edge/client";
import { expect, test } from "vitest";

import { approvals, bySlack } from "../../examples/webhook-approvals.ts";
import { usePrivateHost } from "../support/private-host.js";
import { RESETTABLE_WORKER, resetObject } from "../support/resets.js";
import { useOwnStack } from "../support/stack.js";
import { useProject } from "../support/use-project.js";
import { until } from "../support/wait.js";

const ASKING = '%tool Bash {"command":"echo 1 > asked"}\n%say It ran.';

/** What the receiver does with a webhook, as a test has it. */
let receive: (request: Request) => Promise<Response> = async () => new Response();
/** Messages to people. */
const messages: { text: string; link: string }[] = [];

const receiver = await usePrivateHost(async ({ method, url, headers, body }, response) => {
  if (url === "/slack") {
    const { text, blocks } = JSON.parse(body) as {
      text: string;
      blocks: { elements?: { url: string }[] }[];
    };
    messages.push({ text, link: blocks[1]!.elements![0]!.url });
    response.end("ok");
    return;
  }
  const answer = await receive(
    new Request(`http://receiver${url}`, {
      method,
      headers: headers as Record<string, string>,
      ...(method === "GET" ? {} : { body }),
    }),
  );
  response.statusCode = answer.status;
  response.end(await answer.text());
});
const origin = receiver.named("hooks.test")["hooks.test"]!;

const edge = useOwnStack({
  project: useProject({ "src/worker.ts": RESETTABLE_WORKER }),
  vars: {
    CLAUDE_EDGE_PRIVATE_HOSTS: JSON.stringify(receiver.named("hooks.test")),
    CLAUDE_EDGE_WEBHOOK_RETRY: "0s",
    CLAUDE_EDGE_HOLD: "1s",
  },
});

/** An account whose approvals go to people by the example's recipe. */
async function withApprovals(account: string) {
  messages.splice(0);
  const client = edge.client(account);
  const { id, secret } = await client.webhooks.create({ url: "https://hooks.test/hook" });
  const { token } = await client.tokens.create({ scopes: ["admin"] });
  const handle = approvals({
    baseURL: edge.stack.url,
    token,
    secret,
    publicURL: origin,
    notify: bySlack(`${origin}/slack`),
  });
  const session = await client.sessions.create({ permissionMode: "default", canUseTool: true });
  return { client, id, handle, session };
}

test("an approval goes round by webhook and link, with the receiver down for the first five tries", async () => {
  const { client, id, handle, session } = await withApprovals("round");
  let down = 5;
  receive = async (request) =>
    request.url.endsWith("/hook") && (down -= 1) >= 0
      ? new Response(null, { status: 503 })
      : handle(request);
  const turn = session.send(ASKING).result();
  const [message] = await until("a message", () => messages.length > 0 && messages);
  expect(message!.text).toContain("echo 1 > asked");
  // A program that looks at mail opens the link: that answers nothing.
  expect(await (await fetch(message!.link)).text()).toContain("<form");
  const press = () =>
    fetch(message!.link, { method: "POST", body: new URLSearchParams({ answer: "allow" }) });
  expect((await press()).status).toBe(200);
  expect((await turn).text).toBe("It ran.");
  // The link is used up, and was for this request alone.
  expect((await press()).status).toBe(409);
  const token = new URL(message!.link).searchParams.get("token")!;
  const holder = edge.client(undefined, { token });
  for (const call of [
    () => holder.requests.list(),
    () => holder.sessions.open(session.id).retrieve(),
    () => holder.requests.retrieve(`x.${session.id}`),
    () => holder.feed()[Symbol.asyncIterator]().next(),
    () => holder.webhooks.list(),
  ]) {
    await expect(call()).rejects.toMatchObject({ code: "forbidden" });
  }
  const delivered = await until("all is delivered", async () => {
    const all = [];
    for await (const delivery of client.webhooks.deliveries(id)) all.push(delivery);
    return all.some(({ type }) => type === "turn.completed") &&
      all.every(({ status }) => status === "delivered")
      ? all
      : undefined;
  });
  const asked = delivered.find(({ type }) => type === "request.created")!;
  expect(asked.attempts).toBeGreaterThan(5);
  const sent = receiver.seen.filter(({ url }) => url === "/hook");
  const ids = sent.slice(0, 6).map(({ headers }) => headers["webhook-id"]);
  expect(new Set(ids)).toEqual(new Set([asked.message_id]));
  expect(messages).toHaveLength(1);
});

test("with the account's object reset between event and delivery a message is accepted once, delivered at least once", async () => {
  const { client, handle, session } = await withApprovals("reset");
  const accepted = new Set<string>();
  const { promise: reached, resolve: onReached } = Promise.withResolvers<void>();
  let held = true;
  receive = async (request) => {
    const messageId = request.headers.get("webhook-id");
    const isAsking = (await request.clone().text()).includes("request.created");
    if (isAsking && held) {
      onReached();
      await until("the reset", () => !held);
      return new Response(null, { status: 503 });
    }
    const answer = await handle(request);
    if (isAsking && answer.status === 204) accepted.add(messageId!);
    return answer;
  };
  const turn = session.send(ASKING).result();
  await reached;
  await resetObject(edge.stack.url, "ACCOUNT", "reset");
  held = false;
  const [message] = await until("a message", () => messages.length > 0 && messages);
  await fetch(message!.link, { method: "POST", body: new URLSearchParams({ answer: "allow" }) });
  expect((await turn).text).toBe("It ran.");
  expect(accepted.size).toBe(1);
  expect(messages).toHaveLength(1);
  const seen: FeedEntry[] = [];
  for await (const entry of client.feed({ after: 0 })) {
    seen.push(entry);
    if (entry.kind === "turn.completed") break;
  }
  expect(seen.filter(({ kind }) => kind === "request.created")).toHaveLength(1);
}, 180_000);
