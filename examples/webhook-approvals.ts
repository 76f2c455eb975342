/**
 * Approvals by a link: in Slack, by email, or wherever a message goes. A webhook says that a turn asks; this sends the
 * question with a link that can answer it and nothing else; nothing polls. It is a handler of `Request`s, so it runs in a
 * Worker, in Deno, Bun, or behind a Node server.
 */
import { ClaudeEdge, type RequestResource } from "@claude-edge/client";
import { verifyWebhook, WebhookError } from "@claude-edge/client/webhooks";

/** Sends a message to people. */
export type Notify = (message: { text: string; link: string }) => Promise<void>;

/** To a channel in Slack, by an incoming webhook of Slack's. */
export const bySlack =
  (slackURL: string): Notify =>
  async ({ text, link }) => {
    const blocks = [
      { type: "section", text: { type: "plain_text", text: text.slice(0, 3_000) } },
      {
        type: "actions",
        elements: [{ type: "button", text: { type: "plain_text", text: "Answer" }, url: link }],
      },
    ];
    await post(slackURL, {}, { text, blocks });
  };

/** By email, over the JSON API of a mail service; this is Resend's. */
export const byEmail =
  (mail: { apiURL: string; key: string; from: string; to: string }): Notify =>
  async ({ text, link }) => {
    const { apiURL, key, from, to } = mail;
    const subject = "An agent asks for an approval";
    await post(
      apiURL,
      { authorization: `Bearer ${key}` },
      { from, to: [to], subject, text: `${text}\n\nAnswer within a day: ${link}` },
    );
  };

async function post(url: string, headers: Record<string, string>, body: object): Promise<void> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  // The webhook is answered with 500 then, and comes again.
  if (!answer.ok) throw new Error(`${new URL(url).host} answered ${answer.status}`);
}

export interface ApprovalsOptions {
  /** Of the deployment. */
  baseURL: string;
  /** With the scope `admin`: it mints the links' tokens. */
  token: string;
  /** The webhook's secret, `whsec_…`. */
  secret: string;
  /** Where this can be reached. */
  publicURL: string;
  notify: Notify;
}

/** `POST /hook` takes the webhook; `/answer` is where the links lead. */
export function approvals(options: ApprovalsOptions): (request: Request) => Promise<Response> {
  const { baseURL, token, secret, publicURL, notify } = options;
  const edge = new ClaudeEdge({ baseURL, token });
  /** Messages that were taken: one may come twice. */
  const taken = new Set<string>();

  const onHook = async (request: Request) => {
    const id = request.headers.get("webhook-id") ?? "";
    const event = await verifyWebhook(request, secret);
    if (event.type !== "request.created" || taken.has(id))
      return new Response(null, { status: 204 });
    const { request_id: requestId } = event.data;
    const asked = await edge.requests.retrieve(requestId);
    if (asked.status === "pending") {
      const link = await edge.tokens.create({ requestId, expiresIn: 86_400 });
      const query = new URLSearchParams({ request: requestId, token: link.token });
      await notify({ text: textOf(asked), link: `${publicURL}/answer?${query}` });
    }
    taken.add(id);
    return new Response(null, { status: 204 });
  };

  /** Whoever has the link may answer this one request, once, for a day. */
  const onAnswer = async (request: Request) => {
    const url = new URL(request.url);
    const requestId = url.searchParams.get("request") ?? "";
    const holder = new ClaudeEdge({ baseURL, token: url.searchParams.get("token") ?? "" });
    // Programs that look at mail open its links: only the button answers.
    if (request.method !== "POST") return page(textOf(await holder.requests.retrieve(requestId)));
    const isAllowed = (await request.formData()).get("answer") === "allow";
    const answer = isAllowed
      ? { behavior: "allow" as const }
      : { behavior: "deny" as const, message: "Denied by a person." };
    await holder.requests.answer(requestId, answer, { by: "approval link" });
    return new Response("Thank you.\n");
  };

  return async (request) => {
    try {
      const { pathname } = new URL(request.url);
      if (pathname === "/hook" && request.method === "POST") return await onHook(request);
      if (pathname === "/answer") return await onAnswer(request);
      return new Response("Not found.\n", { status: 404 });
    } catch (error) {
      const isRefused = error instanceof WebhookError;
      const status = isRefused ? 400 : ((error as { status?: number }).status ?? 500);
      return new Response(`${(error as Error).message}\n`, { status });
    }
  };
}

function textOf({ kind, payload, status }: RequestResource): string {
  if (status !== "pending") return `This was ${status}.`;
  const { tool_name: tool, input, host } = payload as Record<string, unknown>;
  return kind === "network"
    ? `An agent wants to reach ${String(host)}.`
    : `An agent wants to use ${String(tool)}: ${JSON.stringify(input)}`;
}

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

function page(text: string): Response {
  const html = `<!doctype html><meta name="viewport" content="width=device-width">
<title>An agent asks</title><p>${escaped(text)}</p><form method="post">
<button name="answer" value="allow">Allow</button> <button name="answer" value="deny">Deny</button></form>`;
  return new Response(html, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      // The address holds the token.
      "referrer-policy": "no-referrer",
      "content-security-policy": "default-src 'none'; form-action 'self'",
    },
  });
}
