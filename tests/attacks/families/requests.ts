import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomUUID } from "node:crypto";

import { until } from "../../support/wait.ts";
import { holds, refused, works, type Family } from "../attack.ts";
import { asking, type World } from "../world.ts";

const ALLOW = { answer: { behavior: "allow" } };
const NOT_FOUND = { status: 404, code: "request_not_found" };
const BAD = { status: 400, code: "invalid_request" };

/** Questions of Alice's, answered by whom they were not put to, or with what is no answer. */
export async function requests(world: World): Promise<Family> {
  const { alice, mallory, ask, mint } = world;
  /** A turn of Alice's that asks whether it may make files; gives its questions, and where it makes them. */
  const askAlice = async (tools = 1) => {
    const session = await alice.client.sessions.create({
      permissionMode: "default",
      canUseTool: true,
    });
    const files = Array.from({ length: tools }, () => join(tmpdir(), `attacks-${randomUUID()}`));
    const prompt = files.map((file) => asking(`touch ${file}`).split("\n")[0]).join("\n");
    const ended = session.send(`${prompt}\n%say Done.`).result();
    ended.catch(() => {});
    const asked = await until("the first question", async () => {
      const list = await alice.client.requests.list({ sessionId: session.id });
      // One is asked after the other.
      return list.length > 0 && list;
    });
    return { session: session.id, asked, files, ended };
  };
  const open = await askAlice();
  const [request] = open.asked;
  const path = `/v1/requests/${request!.id}`;
  const beneath = `/v1/sessions/${open.session}/requests/${request!.id}`;
  const answer = (key: string, json: unknown = ALLOW, at = path) => ask(at, { key, json });
  const scoped = (...scopes: Parameters<World["mint"]>[0]["scopes"] & object) =>
    mint({ account: "alice", scopes: [...scopes] });
  const elsewhere = await mint({ account: "alice", sessionId: alice.session });
  const forged: [name: string, json: unknown][] = [
    ["no answer", {}],
    ["an answer and an error", { ...ALLOW, error: { message: "x" } }],
    ["a behaviour that is none", { answer: { behavior: "allowAlways" } }],
    ["a behaviour in other letters", { answer: { behavior: "ALLOW" } }],
    ["a list of behaviours", { answer: { behavior: ["allow"] } }],
    ["an input that is text", { answer: { behavior: "allow", updatedInput: "rm -rf /" } }],
    ["permissions that are text", { answer: { behavior: "allow", updatedPermissions: "all" } }],
    ["another's name of the turn", { ...ALLOW, turn_id: alice.turn }],
    ["a session in the body", { ...ALLOW, session_id: mallory.session }],
    ["behaviour by its prototype", '{"answer":{"__proto__":{"behavior":"allow"}}}'],
    ["an answer by its prototype", '{"__proto__":{"answer":{"behavior":"allow"}}}'],
    ["an answer of text", { answer: "allow" }],
    ["answers to no question", { answer: { answers: {} } }],
    ["a name without end", { ...ALLOW, by: "x".repeat(201) }],
  ];

  return {
    controls: [
      works("Alice sees it", () => ask(path, { key: alice.token })),
      works("a token that may only answer", async () =>
        ask(path, { key: await scoped("requests:answer") }),
      ),
    ],
    attacks: [
      refused("by Mallory", () => answer(mallory.token), NOT_FOUND),
      refused("by Mallory, beneath Alice's session", () => answer(mallory.token, ALLOW, beneath), {
        status: 404,
        code: "request_not_found",
      }),
      refused(
        "by Mallory, beneath a session of hers",
        () =>
          answer(mallory.token, ALLOW, `/v1/sessions/${mallory.session}/requests/${request!.id}`),
        NOT_FOUND,
      ),
      refused(
        "by Mallory, in Alice's name",
        () => answer(mallory.token, { ...ALLOW, accountId: "alice" }),
        {
          status: 403,
          code: "forbidden",
        },
      ),
      ...(["query", "sessions:read", "sessions:write", "files"] as const).map((scope) =>
        refused(`by a token of ${scope}`, async () => answer(await scoped(scope)), {
          status: 403,
          code: "forbidden",
        }),
      ),
      refused("by a token of another session", () => answer(elsewhere), NOT_FOUND),
      refused(
        "by a token of another session, beneath its own",
        () => answer(elsewhere, ALLOW, `/v1/sessions/${alice.session}/requests/${request!.id}`),
        NOT_FOUND,
      ),
      refused(
        "by a token of another session, beneath the right one",
        () => answer(elsewhere, ALLOW, beneath),
        {
          status: 403,
          code: "forbidden",
        },
      ),
      refused(
        "beneath the wrong session",
        () => answer(alice.token, ALLOW, `/v1/sessions/${alice.session}/requests/${request!.id}`),
        NOT_FOUND,
      ),
      ...[
        "__proto__",
        "constructor",
        "..",
        "%2e%2e",
        `${request!.id}%00`,
        request!.id.toUpperCase(),
      ].map((id) =>
        refused(`the request ${id}`, () => answer(alice.token, ALLOW, `/v1/requests/${id}`), {
          status: [404, 405],
        }),
      ),
      ...forged.map(([name, json]) =>
        refused(
          name,
          () =>
            ask(path, {
              key: alice.token,
              ...(typeof json === "string" ? { body: json } : { json }),
            }),
          BAD,
        ),
      ),
      holds("nothing of it was taken for an answer", async () => {
        const { text } = await ask(path, { key: alice.token });
        const [file = ""] = open.files;
        return text.includes('"status":"pending"') && !existsSync(file)
          ? undefined
          : text.slice(0, 200);
      }),
      holds("the same answer twice at once: one counts", async () => {
        const deny = { answer: { behavior: "deny" } };
        const answers = await Promise.all([answer(alice.token, deny), answer(alice.token, ALLOW)]);
        const statuses = answers.map(({ status, code }) => `${status}${code ?? ""}`).toSorted();
        return statuses.join() === "200,409request_resolved" ? undefined : statuses.join();
      }),
      refused("once more, when it is answered", () => answer(alice.token), {
        status: 409,
        code: "request_resolved",
      }),
      holds("an answer that names the next tool use", async () => {
        const { asked, files, ended, session } = await askAlice(2);
        // The model has asked for both at once: the other's id is known before it comes to be asked about.
        const { text } = await ask(`/v1/sessions/${session}/events`, { key: alice.token });
        const first = asked[0]!;
        const uses = [...text.matchAll(/"type":"tool_use","id":"(\w+)"/g)].map(([, id]) => id);
        const next = uses.find((id) => id !== first.payload.tool_use_id);
        if (next === undefined) return `no other tool use in ${text.slice(0, 200)}`;
        const forgedAnswer = { behavior: "allow", toolUseID: next, tool_use_id: next };
        await ask(`/v1/requests/${first.id}`, { key: alice.token, json: { answer: forgedAnswer } });
        const second = await until("the second question", async () =>
          (await alice.client.requests.list({ sessionId: session })).find(
            ({ id }) => id !== first.id,
          ),
        );
        await alice.client.requests.answer(second.id, { behavior: "deny" });
        await ended;
        const denied = files.find((file) => JSON.stringify(second.payload).includes(file))!;
        return existsSync(denied) ? "the tool that was denied ran" : undefined;
      }),
    ],
  };
}
