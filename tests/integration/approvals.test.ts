import type {
  PermissionRequest,
  RequestResource,
  Session,
  SessionCallbacks,
} from "@claude-edge/client";
import { beforeAll, describe, expect, it } from "vitest";

import { read, statuses, toolResults } from "../support/events.js";
import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const ACCOUNT = "approvals";

/** Here a process is held for minutes: no answer comes too late for it. */
const edge = useStack();
/** Here for a second. */
const impatient = useStack("impatient");

const BASH =
  '%tool Bash {"command":"echo approved > approved.txt; cat approved.txt"}\n%say It ran.';

const ask = { permissionMode: "default", canUseTool: true } as const;
const WEEK_MS = 7 * 24 * 3_600_000;

/** One session for most tests. */
let session: Session;
const withCallbacks = (callbacks: SessionCallbacks) =>
  edge.client(ACCOUNT).sessions.open(session.id, callbacks);

beforeAll(async () => {
  session = await edge.client(ACCOUNT).sessions.create(ask);
});

async function pending(): Promise<RequestResource> {
  return until("a request", async () => (await edge.client(ACCOUNT).requests.list())[0]);
}

describe("a permission", () => {
  it("is asked of onPermission, with what it is about", async () => {
    const asked: PermissionRequest[] = [];
    const onPermission = (request: PermissionRequest) => {
      asked.push(request);
      return { behavior: "allow" } as const;
    };
    const { text } = await withCallbacks({ onPermission }).send(BASH);
    expect(text).toBe("It ran.");
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ kind: "permission", toolName: "Bash" });
    expect(asked[0]!.input).toHaveProperty("command");
    expect(asked[0]!.expiresAt!.getTime()).toBeGreaterThan(Date.now() + WEEK_MS - 24 * 3_600_000);
    const request = await edge.client(ACCOUNT).requests.retrieve(asked[0]!.id);
    expect(request).toMatchObject({ status: "answered", answer: { behavior: "allow" } });
  });

  it("is asked of nobody again when the session's past is read, by two readers either", async () => {
    let asked = 0;
    const onPermission = () => {
      asked += 1;
      return { behavior: "allow" } as const;
    };
    const opened = withCallbacks({ onPermission });
    await opened.send(BASH);
    expect(asked).toBe(1);
    const { last_seq } = await session.retrieve();
    const past = async () => {
      for await (const { seq } of opened.events()) if (seq === last_seq) return;
    };
    await Promise.all([past(), past()]);
    expect(asked).toBe(1);
  });

  it("is denied at once when nobody is to be asked", async () => {
    const alone = await edge.client(ACCOUNT).sessions.create({ permissionMode: "default" });
    expect(toolResults(await read(alone.send(BASH)))).toContain("needs approval");
    const requests = edge.client(ACCOUNT).requests;
    expect(await requests.list({ sessionId: alone.id, status: "any" })).toEqual([]);
  });

  it("is void when its turn is interrupted", async () => {
    const turn = session
      .send(BASH)
      .result()
      .catch((error: unknown) => error);
    const { id } = await pending();
    await session.interrupt();
    expect(await turn).toMatchObject({ code: "interrupted" });
    expect(await edge.client(ACCOUNT).requests.retrieve(id)).toMatchObject({ status: "cancelled" });
    expect((await session.send("%say Still here.")).text).toBe("Still here.");
  });

  it("can be given by another program while the process is held", async () => {
    const reading = read(session.send(BASH));
    const { id } = await pending();
    await edge.client(ACCOUNT).requests.answer(id, { behavior: "allow" }, { by: "ada" });
    const events = await reading;
    expect(events.at(-1)).toMatchObject({ result: { text: "It ran." } });
    expect(statuses(events)).toEqual(["queued", "running", "completed"]);
    expect(events.map(({ kind }) => kind)).toContain("request.resolved");
  });

  it("nobody answers in its time counts as denied; an answer after that is refused", async () => {
    await session.update({ approvalTimeout: 200 });
    const events = await read(session.send(BASH));
    expect(events.at(-1)).toMatchObject({ result: { text: "It ran." } });
    expect(toolResults(events)).toContain("Nobody answered before");
    const { request } = events.find((event) => event.kind === "request")!;
    const { requests } = edge.client(ACCOUNT);
    const late = requests.answer(request.id, { behavior: "allow" });
    await expect(late).rejects.toMatchObject({ code: "request_resolved", status: 409 });
    expect(await requests.retrieve(request.id)).toMatchObject({ status: "expired" });
    await session.update({ approvalTimeout: WEEK_MS });
  });
});

describe("a callback", () => {
  it("may answer when its program reads no more", async () => {
    let answer: () => void = () => {};
    const asked = new Promise<void>((resolve) => (answer = resolve));
    const opened = withCallbacks({
      onPermission: async () => {
        await asked;
        return { behavior: "allow" };
      },
    });
    const turn = opened.send(BASH);
    for await (const { kind } of turn) if (kind === "request") break;
    answer();
    const resumed = opened.resume({ turnId: turn.id, lastSeq: turn.lastSeq });
    const events = await read(resumed);
    expect(events.at(-1)).toMatchObject({ result: { text: "It ran." } });
    expect(toolResults(events)).toContain("approved");
  });

  it("that throws denies the tool, as in the Agent SDK; one whose answer is refused leaves nothing waiting", async () => {
    const broken = () => {
      throw new Error("the approver broke");
    };
    const thrown = await read(withCallbacks({ onPermission: broken }).send(BASH));
    expect(thrown.at(-1)).toMatchObject({ result: { text: "It ran." } });
    expect(toolResults(thrown)).toContain("the approver broke");
    const onPermission = () => ({ behavior: "perhaps" }) as never;
    const refused = await read(withCallbacks({ onPermission }).send(BASH));
    expect(refused.at(-1)).toMatchObject({ result: { text: "It ran." } });
    expect(toolResults(refused)).toContain("refused");
  });
});

describe("an answer", () => {
  it("must have the form its request asks for, and comes from the request's own account", async () => {
    const turn = session.send(BASH).result();
    const { id } = await pending();
    const send = async (json: unknown, account = ACCOUNT, path = `/v1/requests/${id}`) => {
      const response = await edge.fetch(path, { json, account });
      const { error } = (await response.json()) as { error?: { code: string } };
      return [response.status, error?.code];
    };
    const invalid = [400, "invalid_request"];
    const allow = { answer: { behavior: "allow" } };
    expect(await send({})).toEqual(invalid);
    expect(await send({ answer: {} })).toEqual(invalid);
    expect(await send({ answer: { behavior: "maybe" } })).toEqual(invalid);
    expect(await send({ ...allow, error: { message: "x" } })).toEqual(invalid);
    const notFound = [404, "request_not_found"];
    expect(await send(allow, "another")).toEqual(notFound);
    const elsewhere = `/v1/sessions/${crypto.randomUUID()}/requests/${id}`;
    expect(await send(allow, ACCOUNT, elsewhere)).toEqual(notFound);
    expect(await send(allow, ACCOUNT, "/v1/requests/x")).toEqual(notFound);
    expect(await send({ error: { message: "The approver broke." } })).toEqual([200, undefined]);
    expect((await turn).text).toBe("It ran.");
    const bad = await edge.fetch("/v1/requests?status=odd", { account: ACCOUNT });
    expect(bad.status).toBe(400);
  });

  it("counts once, however many give it at the same time", async () => {
    const { requests } = edge.client(ACCOUNT);
    const turn = session.send(BASH).result();
    const { id } = await pending();
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, () => requests.answer(id, { behavior: "allow" })),
    );
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await turn;
  });

  it("may be given again under its key, when the word that it was taken is lost", async () => {
    const { requests } = edge.client(ACCOUNT);
    const turn = session.send(BASH).result();
    const { id } = await pending();
    const once = { idempotencyKey: "the-answer" };
    await requests.answer(id, { behavior: "allow" }, once);
    expect(await requests.answer(id, { behavior: "allow" }, once)).toMatchObject({ id });
    await expect(requests.answer(id, { behavior: "allow" })).rejects.toMatchObject({
      code: "request_resolved",
    });
    await turn;
  });
});

describe("a turn whose process was let go", () => {
  it("is 202 over plain HTTP, and goes on with the answer in another process", async () => {
    const account = ACCOUNT;
    const { requests, sessions } = impatient.client(account);
    const two = '%tool Bash {"command":"echo 1 > 1"}\n%tool Bash {"command":"echo 2 > 2"}';
    const response = await impatient.fetch("/v1/query", {
      json: { prompt: `${two}\n%say Both.`, options: ask },
      account,
    });
    expect(response.status).toBe(202);
    const turn = (await response.json()) as { id: string; session_id: string; status: string };
    expect(turn.status).toBe("waiting");
    const waiting = sessions.open(turn.session_id);
    expect((await waiting.retrieve()).status).toBe("waiting");
    const [request] = await requests.list({ sessionId: waiting.id });
    await requests.answer(request!.id, { behavior: "deny", message: "Not on a Friday." });

    const events = await read(waiting.resume({ turnId: turn.id }));
    expect(statuses(events)).toEqual(["queued", "running", "waiting", "running", "completed"]);
    expect(events.at(-1)).toMatchObject({ result: { text: "Both." } });
    const path = `/v1/sessions/${waiting.id}/turns/${turn.id}`;
    const ended = await (await impatient.fetch(path, { account })).json();
    expect(ended).toMatchObject({ status: "completed" });
    // The model is told in the denier's words, and that the other call has no result.
    const told = JSON.stringify((await impatient.asked(waiting.id)).at(-1)!.body.messages);
    expect(told).toContain("Not on a Friday.");
    expect(told).toContain("call it again if it is still needed");
  });
});
