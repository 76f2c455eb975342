import type { EdgeEvent, PermissionRequest, RequestResource, Session } from "@claude-edge/client";
import { describe, expect, it } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const local = useStack({ vars: { CLAUDE_EDGE_HOLD: "1s", CLAUDE_EDGE_CALLER_GRACE: "1s" } });

const BASH =
  '%tool Bash {"command":"echo approved > approved.txt; cat approved.txt"}\n%say It ran.';
const QUESTION = `%tool AskUserQuestion ${JSON.stringify({
  questions: [
    {
      question: "Which colour?",
      header: "Colour",
      options: [
        { label: "Red", description: "warm" },
        { label: "Blue", description: "cold" },
      ],
      multiSelect: false,
    },
  ],
})}\n%say Thanks.`;

const ask = { permissionMode: "default", canUseTool: true } as const;

async function pending(account: string, count = 1): Promise<RequestResource> {
  const list = () => local.client(account).requests.list();
  return until("a request", async () => {
    const requests = await list();
    return requests.length >= count && requests[0];
  });
}

const isWaiting = (session: Session) =>
  until("the turn waits", async () => (await session.retrieve()).status === "waiting");

async function killContainers(): Promise<void> {
  for (const { name } of local.stack.containers()) await local.stack.killContainer(name);
}

/** All that a session's log holds up to its newest turn's end. */
async function eventsOf(session: Session, turns = 1): Promise<EdgeEvent[]> {
  const events: EdgeEvent[] = [];
  let ended = 0;
  for await (const event of session.events()) {
    events.push(event);
    const isEnd = event.kind === "turn" && /completed|failed|interrupted/.test(event.status);
    if (isEnd && (ended += 1) === turns) break;
  }
  return events;
}

/** What the model was told of its calls. */
const toolResults = (events: EdgeEvent[]) =>
  JSON.stringify(
    events.flatMap((event) =>
      event.kind === "message" && event.message.type === "user" ? [event.message.message] : [],
    ),
  );

const statuses = (events: EdgeEvent[]) =>
  events.flatMap((event) => (event.kind === "turn" ? [event.status] : []));

describe("a permission", () => {
  it("is asked of onPermission, with what it is about", async () => {
    const edge = local.client("ask");
    const asked: PermissionRequest[] = [];
    const { text } = await edge.query(BASH, {
      permissionMode: "default",
      onPermission: (request) => {
        asked.push(request);
        return { behavior: "allow" };
      },
    });
    expect(text).toBe("It ran.");
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ kind: "permission", toolName: "Bash" });
    expect(asked[0]!.input).toHaveProperty("command");
    expect(asked[0]!.expiresAt!.getTime()).toBeGreaterThan(Date.now() + 6 * 24 * 3_600_000);
    const [request] = await edge.requests.list({ status: "any" });
    expect(request).toMatchObject({ status: "answered", answer: { behavior: "allow" } });
  });

  it("is denied at once when nobody is to be asked", async () => {
    const session = await local.client("nobody").sessions.create({ permissionMode: "default" });
    await session.send(BASH);
    expect(toolResults(await eventsOf(session))).toContain("needs approval");
    expect(await local.client("nobody").requests.list({ status: "any" })).toEqual([]);
  });

  it("is void when its turn is interrupted", async () => {
    const edge = local.client("void");
    const session = await edge.sessions.create(ask);
    const turn = session
      .send(BASH)
      .result()
      .catch((error: unknown) => error);
    const { id } = await pending("void");
    await session.interrupt();
    expect(await turn).toMatchObject({ code: "interrupted" });
    expect(await edge.requests.retrieve(id)).toMatchObject({ status: "cancelled" });
    expect((await session.send("%say Still here.")).text).toBe("Still here.");
  });

  it("can be given by another program while the process is held", async () => {
    const edge = local.client("held");
    const session = await edge.sessions.create(ask);
    const turn = session.send(BASH).result();
    const { id } = await pending("held");
    await edge.requests.answer(id, { behavior: "allow" }, { by: "ada" });
    expect((await turn).text).toBe("It ran.");
    const events = await eventsOf(session);
    expect(statuses(events)).toEqual(["queued", "running", "completed"]);
    expect(events.map(({ kind }) => kind)).toContain("request.resolved");
  });

  it("outlives its container: answered later over HTTP it runs the tool, and a second answer is refused", async () => {
    const edge = local.client("durable");
    const session = await edge.sessions.create(ask);
    const outcome = session.send(BASH).result();
    const request = await pending("durable");
    await isWaiting(session);
    await killContainers();
    await local.stack.restartWorker();

    const path = `/v1/sessions/${session.id}/requests/${request.id}`;
    const account = "durable";
    const allow = { answer: { behavior: "allow" }, by: "ada" };
    expect((await local.fetch(path, { json: allow, account })).status).toBe(200);
    const deny = { answer: { behavior: "deny" }, by: "bob" };
    const second = await local.fetch(path, { json: deny, account });
    expect(second.status).toBe(409);
    expect(await second.json()).toMatchObject({
      error: { code: "request_resolved", details: { status: "answered", answered_by: "ada" } },
    });

    expect((await outcome).text).toBe("It ran.");
    const events = await eventsOf(session);
    expect(statuses(events)).toEqual(["queued", "running", "waiting", "running", "completed"]);
    expect(toolResults(events)).toContain("approved");
    const kept = await edge.requests.retrieve(request.id);
    expect(kept).toMatchObject({ status: "answered", answered_by: "ada" });
    expect(Date.parse(kept.resolved_at!)).toBeGreaterThan(Date.parse(kept.created_at));
  });

  it("outlives a container that dies the moment it is asked", async () => {
    const edge = local.client("sudden");
    const session = await edge.sessions.create(ask);
    const outcome = session.send(BASH).result();
    const { id } = await pending("sudden");
    await killContainers();
    await isWaiting(session);
    await edge.requests.answer(id, { behavior: "allow" });
    expect((await outcome).text).toBe("It ran.");
    expect(toolResults(await eventsOf(session))).toContain("approved");
  });

  it("that is denied after days tells the model so, in the denier's words", async () => {
    const edge = local.client("denied");
    const session = await edge.sessions.create(ask);
    const outcome = session.send(BASH).result();
    const { id } = await pending("denied");
    await isWaiting(session);
    await edge.requests.answer(id, { behavior: "deny", message: "Not on a Friday." });
    expect((await outcome).text).toBe("It ran.");
    const results = toolResults(await eventsOf(session));
    expect(results).toContain("Not on a Friday.");
    expect(results).not.toContain("approved\\n");
  });

  it("that was answered while its process was being let go is not lost", async () => {
    const edge = local.client("race");
    for (let round = 0; round < 3; round += 1) {
      const session = await edge.sessions.create(ask);
      const outcome = session.send(BASH).result();
      const { id, created_at } = await pending("race");
      // The process is let go a second after the question.
      const wait = Date.parse(created_at) + 990 + round * 10 - Date.now();
      await new Promise((resolve) => setTimeout(resolve, wait));
      await edge.requests.answer(id, { behavior: "allow" });
      expect((await outcome).text).toBe("It ran.");
      // A process that goes on at a question asks for it twice.
      const asked = await edge.requests.list({ sessionId: session.id, status: "any" });
      expect(asked.map(({ status }) => status)).toEqual(["answered"]);
    }
  });

  it("nobody answers in its time counts as denied; an answer after that is refused", async () => {
    const edge = local.client("expired");
    const session = await edge.sessions.create({ ...ask, approvalTimeout: 2_000 });
    const outcome = session.send(BASH).result();
    const { id } = await pending("expired");
    expect((await outcome).text).toBe("It ran.");
    expect(toolResults(await eventsOf(session))).toContain("Nobody answered before");
    const late = edge.requests.answer(id, { behavior: "allow" });
    await expect(late).rejects.toMatchObject({ code: "request_resolved", status: 409 });
    expect(await edge.requests.retrieve(id)).toMatchObject({ status: "expired" });
  });

  it("stands beside another call: the model is told that the other has no result", async () => {
    const edge = local.client("beside");
    const session = await edge.sessions.create(ask);
    const two = `%tool Bash {"command":"echo one > one.txt"}\n%tool Bash {"command":"echo two > two.txt"}`;
    const outcome = session.send(`${two}\n%say Both.`).result();
    const { id } = await pending("beside");
    await isWaiting(session);
    await edge.requests.answer(id, { behavior: "allow" });
    expect((await outcome).text).toBe("Both.");
    const { requests } = local.stack.model!;
    const told = JSON.stringify(requests.at(-1)!.body.messages);
    expect(told).toContain("call it again if it is still needed");
  });

  it("of a subagent keeps its process, for it could not go on in another", async () => {
    const edge = local.client("subagent");
    const session = await edge.sessions.create(ask);
    const inner = JSON.stringify('%tool Bash {"command":"echo sub > s.txt"}\n%say Did it.');
    const call = `{"description":"help","prompt":${inner},"subagent_type":"general-purpose","run_in_background":false}`;
    const outcome = session.send(`%tool Agent ${call}\n%say Helped.`).result();
    const { id, expires_at } = await pending("subagent");
    expect(Date.parse(expires_at!) - Date.now()).toBeLessThan(21 * 60_000);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect((await session.retrieve()).status).toBe("running");
    await edge.requests.answer(id, { behavior: "allow" });
    expect((await outcome).text).toBe("Helped.");
  });
});

describe("a question", () => {
  it("is answered by its text, days later", async () => {
    const edge = local.client("question");
    const session = await edge.sessions.create(ask);
    const outcome = session.send(QUESTION).result();
    const request = await pending("question");
    expect(request.kind).toBe("question");
    await isWaiting(session);
    await killContainers();
    await edge.requests.answer(request.id, { answers: { "Which colour?": "Blue" } });
    expect((await outcome).text).toBe("Thanks.");
    expect(toolResults(await eventsOf(session))).toContain("Blue");
  });
});

describe("a turn that waits", () => {
  it("keeps its session and nobody else", async () => {
    const edge = local.client("others");
    const session = await edge.sessions.create(ask);
    const first = session.send(BASH).result();
    const { id } = await pending("others");
    await isWaiting(session);
    const second = session.send("%say Second.").result();
    // One turn at a time for the account: the one that waits does not count.
    expect((await edge.query("%say Elsewhere.")).text).toBe("Elsewhere.");
    await edge.requests.answer(id, { behavior: "allow" });
    expect((await first).text).toBe("It ran.");
    expect((await second).text).toBe("Second.");
  });

  it("can be interrupted, its question is void then, and the session goes on", async () => {
    const edge = local.client("interrupted");
    const session = await edge.sessions.create(ask);
    const turn = session
      .send(BASH)
      .result()
      .catch((error: unknown) => error);
    const { id } = await pending("interrupted");
    await isWaiting(session);
    await session.interrupt();
    expect(await turn).toMatchObject({ code: "interrupted" });
    await expect(edge.requests.answer(id, { behavior: "allow" })).rejects.toMatchObject({
      code: "request_resolved",
    });
    expect(await edge.requests.retrieve(id)).toMatchObject({ status: "cancelled" });
    expect((await session.send("%say Still here.")).text).toBe("Still here.");
    expect(await edge.requests.list()).toEqual([]);
  });

  it("is 202 to whoever asked for its result over plain HTTP", async () => {
    const response = await local.fetch("/v1/query", {
      json: { prompt: BASH, options: { permissionMode: "default", canUseTool: true } },
      account: "plain",
    });
    expect(response.status).toBe(202);
    const turn = (await response.json()) as { id: string; session_id: string; status: string };
    expect(turn.status).toBe("waiting");
    const { id } = await pending("plain");
    const answer = { answer: { behavior: "allow" } };
    await local.fetch(`/v1/requests/${id}`, { json: answer, account: "plain" });
    const path = `/v1/sessions/${turn.session_id}/turns/${turn.id}`;
    await until("the turn has ended", async () => {
      const now = (await (await local.fetch(path, { account: "plain" })).json()) as {
        status: string;
      };
      return now.status === "completed";
    });
  });

  it("is still there after the Worker was restarted, its question too", async () => {
    const edge = local.client("restarted");
    const session = await edge.sessions.create(ask);
    const outcome = session.send(BASH).result();
    const { id } = await pending("restarted");
    await local.stack.restartWorker();
    expect((await edge.requests.list()).map((request) => request.id)).toEqual([id]);
    await isWaiting(session);
    await edge.requests.answer(id, { behavior: "allow" });
    expect((await outcome).text).toBe("It ran.");
  });
});

describe("an answer", () => {
  it("must have the form its request asks for, and comes from the request's own account", async () => {
    const edge = local.client("form");
    const session = await edge.sessions.create(ask);
    const turn = session.send(BASH).result();
    const { id } = await pending("form");
    const send = async (json: unknown, account = "form", path = `/v1/requests/${id}`) => {
      const response = await local.fetch(path, { json, account });
      return [
        response.status,
        ((await response.json()) as { error?: { code: string } }).error?.code,
      ];
    };
    expect(await send({})).toEqual([400, "invalid_request"]);
    expect(await send({ answer: {} })).toEqual([400, "invalid_request"]);
    expect(await send({ answer: { behavior: "maybe" } })).toEqual([400, "invalid_request"]);
    expect(await send({ answer: { behavior: "allow" }, error: { message: "x" } })).toEqual([
      400,
      "invalid_request",
    ]);
    expect(await send({ answer: { behavior: "allow" } }, "another")).toEqual([
      404,
      "request_not_found",
    ]);
    const elsewhere = `/v1/sessions/${crypto.randomUUID()}/requests/${id}`;
    expect(await send({ answer: { behavior: "allow" } }, "form", elsewhere)).toEqual([
      404,
      "request_not_found",
    ]);
    expect(await send({ answer: { behavior: "allow" } }, "form", "/v1/requests/x")).toEqual([
      404,
      "request_not_found",
    ]);
    expect(await send({ error: { message: "The approver broke." } })).toEqual([200, undefined]);
    expect((await turn).text).toBe("It ran.");
    const bad = await local.fetch("/v1/requests?status=odd", { account: "form" });
    expect(bad.status).toBe(400);
  });

  it("counts once, however many give it at the same time", async () => {
    const edge = local.client("crowd");
    const session = await edge.sessions.create(ask);
    const turn = session.send(BASH).result();
    const { id } = await pending("crowd");
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, () => edge.requests.answer(id, { behavior: "allow" })),
    );
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await turn;
  });
});
