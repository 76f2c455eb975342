import { randomUUID } from "node:crypto";

import { holds, refused, works, type Family } from "../attack.ts";
import { bodyOf, pathOf, type Route } from "../routes.ts";
import type { Answer, Ask } from "../send.ts";
import type { World } from "../world.ts";

const FORBIDDEN = { status: 403, code: "forbidden" };

/** What a route says of an id that is not the account's. */
function missing({ path }: Route): { status: number; code: string } {
  const what = path.includes(":request") ? "request" : "session";
  return { status: 404, code: `${what}_not_found` };
}

/** Mallory, with every right in her own account, and what is Alice's. */
export async function tenants(world: World): Promise<Family> {
  const { stack, alice, mallory, secret, ask, mint } = world;
  const key = await mint({ account: "mallory", scopes: ["admin"] });
  const ours = world.routes.filter(({ dialect }) => !dialect);
  const named = ours.filter(({ path }) => /:(id|request)/.test(path));
  const at = (route: Route, ids: Parameters<typeof pathOf>[1], more: Ask = {}) =>
    ask(pathOf(route, ids), { method: route.method, key, ...bodyOf(route), ...more });
  const stream = { accept: "text/event-stream" };
  const withBody = ours.filter((route) => bodyOf(route).json !== undefined);
  /** A page of what is hers, whatever cursor she comes with. */
  const showsNothing = (name: string, request: () => Promise<Answer>) =>
    holds(name, async () => {
      const { status, text } = await request();
      const isClean = status === 200 && !text.includes(alice.session) && !text.includes(secret);
      return isClean ? undefined : `${status} ${text.slice(0, 100)}`;
    });

  // Alice's own cursor: her sessions are more than a page of one.
  const page = await ask("/v1/sessions?limit=1", { key: alice.token });
  const { next_cursor: cursor } = JSON.parse(page.text) as { next_cursor: string };
  const once = { "idempotency-key": randomUUID() };
  const prompt = { json: { prompt: `%say ${secret}` } };
  await ask("/v1/query", { key: alice.token, headers: once, ...prompt });
  const aliceToken = randomUUID();
  const kept = await mint({ account: "alice", id: aliceToken });
  const session = `/v1/sessions/${mallory.session}`;

  return {
    controls: [
      works("Alice's session, by Alice", () =>
        ask(`/v1/sessions/${alice.session}`, { key: alice.token }),
      ),
      works("Alice's question, by Alice", () =>
        ask(`/v1/requests/${alice.request}`, { key: alice.token }),
      ),
      works("Alice's session, by the root key", () =>
        ask(`/v1/sessions/${alice.session}`, { key: stack.token, account: "alice" }),
      ),
      works("Mallory's own", () => ask(session, { key })),
      works("her own account by name", () => ask(session, { key, account: "mallory" })),
      works("Alice's cursor, by Alice", () =>
        ask(`/v1/sessions?cursor=${cursor}`, { key: alice.token }),
      ),
    ],
    attacks: [
      ...named.map((route) =>
        refused(
          `Alice's ids: ${route.method} ${route.path}`,
          () => at(route, alice),
          missing(route),
        ),
      ),
      ...named
        .filter(({ path }) => path.includes(":id") && /:(turn|request)/.test(path))
        .map((route) =>
          refused(
            `her session, Alice's ${route.path.includes(":turn") ? "turn" : "request"}: ${route.method} ${route.path}`,
            () => at(route, { ...alice, session: mallory.session }),
            { status: 404, code: `${route.path.includes(":turn") ? "turn" : "request"}_not_found` },
          ),
        ),
      ...world.routes
        .filter(({ dialect, path }) => dialect && /:(id|session)/.test(path))
        .map((route) =>
          refused(`Alice's ids: ${route.method} ${route.path}`, () => at(route, alice), {
            status: 404,
          }),
        ),
      ...ours.map((route) =>
        refused(
          `x-account-id: ${route.method} ${route.path}`,
          () => at(route, alice, { account: "alice" }),
          FORBIDDEN,
        ),
      ),
      ...withBody.map((route) =>
        refused(
          `accountId in the body: ${route.method} ${route.path}`,
          () => {
            const name = route.path === "/v1/tokens" ? "account" : "accountId";
            return at(route, alice, {
              json: { ...(bodyOf(route).json as object), [name]: "alice" },
            });
          },
          FORBIDDEN,
        ),
      ),
      refused(
        "both: her account in the header, Alice's in the body",
        () =>
          ask("/v1/query", { key, account: "mallory", json: { prompt: "x", accountId: "alice" } }),
        { status: 400, code: "invalid_request" },
      ),
      refused(
        "accountId in the query",
        () => ask(`/v1/sessions/${alice.session}?accountId=alice&account=alice`, { key }),
        { status: 404, code: "session_not_found" },
      ),
      refused(
        "Alice's events as a stream",
        () => ask(`/v1/sessions/${alice.session}/events`, { key, headers: stream }),
        {
          status: 404,
          code: "session_not_found",
        },
      ),
      refused(
        "Alice's turn in her own stream",
        () => ask(`${session}/events?turn=${alice.turn}`, { key, headers: stream }),
        { status: 404, code: "turn_not_found" },
      ),
      refused(
        "Alice's message to fork at",
        () => ask(`${session}/fork`, { key, json: { message_id: alice.message } }),
        {
          status: 404,
          code: "message_not_found",
        },
      ),
      refused(
        "Alice's request as a cursor",
        () => ask(`/v1/requests?after=${alice.request}`, { key }),
        {
          status: 404,
          code: "request_not_found",
        },
      ),
      refused(
        "a cursor with SQL",
        () => {
          const sql = Buffer.from("1 ' OR 1=1 --").toString("base64");
          return ask(`/v1/sessions?cursor=${encodeURIComponent(`${sql}%`)}`, { key });
        },
        { status: 400, code: "invalid_request" },
      ),
      refused(
        "an id with SQL",
        () => ask(`/v1/sessions/${encodeURIComponent("' OR '1'='1")}`, { key }),
        {
          status: 404,
          code: "session_not_found",
        },
      ),
      showsNothing("Alice's cursor", () => ask(`/v1/sessions?cursor=${cursor}`, { key })),
      showsNothing("a cursor of her own making", () => {
        const made = Buffer.from(`9999999999999 ${alice.session}`).toString("base64url");
        return ask(`/v1/sessions?cursor=${made}`, { key });
      }),
      showsNothing("a huge Last-Event-ID", () =>
        ask(`${session}/events`, { key, headers: { "last-event-id": "999999999999999" } }),
      ),
      showsNothing("Alice's idempotency key and body", () =>
        // Hers is a turn of its own: what it says is the same, where it says it is not.
        ask("/v1/query", { key, headers: once, ...prompt }).then((answer) => ({
          ...answer,
          text: answer.text.replaceAll(secret, ""),
        })),
      ),
      holds("interrupting Alice's turn by its id", async () => {
        const { status, text } = await ask(`${session}/interrupt`, {
          key,
          json: { turn_id: alice.turn },
        });
        return status === 200 && text === '{"interrupted":[]}' ? undefined : `${status} ${text}`;
      }),
      holds("revoking Alice's token", async () => {
        await ask(`/v1/tokens/${aliceToken}`, { method: "DELETE", key });
        const { status } = await ask("/v1/sessions", { key: kept });
        return status === 200 ? undefined : `Alice's token is dead: ${status}`;
      }),
      holds("a session of her own by Alice's id", async () => {
        const made = await ask("/v1/sessions", { key, json: { id: alice.session } });
        const events = await ask(`/v1/sessions/${alice.session}/events`, { key });
        const hers = await ask(`/v1/sessions/${alice.session}`, { key: alice.token });
        const isApart = made.status === 201 && !events.text.includes(secret);
        const isHers = (JSON.parse(hers.text) as { last_seq: number }).last_seq > 0;
        await ask(`/v1/sessions/${alice.session}`, { method: "DELETE", key });
        const left = await ask(`/v1/sessions/${alice.session}/events`, { key: alice.token });
        const isLeft = left.text.includes(secret);
        return isApart && isHers && isLeft
          ? undefined
          : `${made.status} ${events.text.slice(0, 80)}`;
      }),
      holds("what Alice has used, in her own report", async () => {
        const { text } = await ask("/v1/usage?group=session", { key });
        return text.includes(alice.session) ? "Alice's session" : undefined;
      }),
    ],
  };
}
