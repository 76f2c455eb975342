import { createSdkMcpServer, tool, type RequestResource, type Session } from "@claude-edge/client";
import { findMarked } from "@claude-edge/runner/processes";
import { beforeAll, describe, expect, it } from "vitest";

import { read, toolResults } from "../support/events.js";
import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const ACCOUNT = "approvals-full";

/** A process is held for a second. */
const edge = useStack("impatient");
const HOLD_MS = 1_000;

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
const client = () => edge.client(ACCOUNT);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** One session for most tests. */
let session: Session;
beforeAll(async () => {
  session = await client().sessions.create(ask);
});

const pending = (of = session): Promise<RequestResource> =>
  until("a request", async () => (await client().requests.list({ sessionId: of.id }))[0]);

const isWaiting = (of = session) =>
  until("the turn waits", async () => (await of.retrieve()).status === "waiting");

describe("a permission", () => {
  it("outlives a container that dies the moment it is asked", async () => {
    const reading = read(session.send(BASH));
    const { id } = await pending();
    await edge.killContainerOf(session.id);
    await isWaiting();
    await client().requests.answer(id, { behavior: "allow" });
    const events = await reading;
    expect(events.at(-1)).toMatchObject({ result: { text: "It ran." } });
    expect(toolResults(events)).toContain("approved");
  });

  it("that was answered while its process was being let go is not lost", async () => {
    for (const ms of [-10, 0, 10]) {
      const outcome = session.send(BASH).result();
      const { id, created_at } = await pending();
      await sleep(Date.parse(created_at) + HOLD_MS + ms - Date.now());
      await client().requests.answer(id, { behavior: "allow" });
      expect((await outcome).text).toBe("It ran.");
    }
    // A process that goes on at a question asks for it twice.
    const asked = await client().requests.list({ sessionId: session.id, status: "any" });
    expect(new Set(asked.map(({ status }) => status))).toEqual(new Set(["answered"]));
    expect(asked).toHaveLength(4);
  });

  it("whose turn is interrupted while its process is let go is over at once", async () => {
    for (const ms of [-15, -5, 5, 15]) {
      const turn = session
        .send(BASH)
        .result()
        .catch((error: unknown) => error);
      const { created_at } = await pending();
      await sleep(Date.parse(created_at) + HOLD_MS + ms - Date.now());
      await session.interrupt();
      expect(await turn).toMatchObject({ code: "interrupted" });
    }
  });

  it("expires when it should, with nothing else to wake the account", async () => {
    await session.update({ approvalTimeout: 2 * HOLD_MS });
    const turn = session.send(BASH);
    expect((await turn).text).toBe("It ran.");
    const [last] = (
      await client().requests.list({ sessionId: session.id, status: "expired" })
    ).slice(-1);
    const late = Date.parse(last!.resolved_at!) - Date.parse(last!.expires_at!);
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(10_000);
    await session.update({ approvalTimeout: 7 * 24 * 3_600_000 });
  });
});

describe("a question", () => {
  it("is answered by its text, days later and in another container", async () => {
    const reading = read(session.send(QUESTION));
    const request = await pending();
    expect(request.kind).toBe("question");
    await isWaiting();
    await edge.killContainerOf(session.id);
    await client().requests.answer(request.id, { answers: { "Which colour?": "Blue" } });
    const events = await reading;
    expect(events.at(-1)).toMatchObject({ result: { text: "Thanks." } });
    expect(toolResults(events)).toContain("Blue");
  });
});

describe("a turn that waits", () => {
  it("keeps its session and nobody else; its session has one process, whatever is asked of it", async () => {
    const first = session.send(BASH).result();
    const { id } = await pending();
    await isWaiting();
    const second = session.send("%say Second.").result();
    // One turn at a time for the account: the one that waits does not count.
    expect((await client().query("%say Elsewhere.")).text).toBe("Elsewhere.");
    await session.control("supportedModels");
    await client().requests.answer(id, { behavior: "allow" });
    expect((await first).text).toBe("It ran.");
    expect((await second).text).toBe("Second.");
    const count = () => findMarked({ CLAUDE_EDGE_SESSION: session.id }).length;
    expect(count()).toBe(1);

    await edge.killContainerOf(session.id);
    await Promise.all([
      session.send("%say One.").result(),
      session.control("supportedModels"),
      session.control("supportedAgents"),
      session.control("accountInfo"),
    ]);
    expect(count()).toBe(1);
    await session.update({ options: { ...ask, maxTurns: 5 } });
    expect((await session.send("%say Two.")).text).toBe("Two.");
    expect(count()).toBe(1);
  });

  it("can be interrupted, its question is void then, and the session goes on", async () => {
    const turn = session
      .send(BASH)
      .result()
      .catch((error: unknown) => error);
    const { id } = await pending();
    await isWaiting();
    await session.interrupt();
    expect(await turn).toMatchObject({ code: "interrupted" });
    const { requests } = client();
    await expect(requests.answer(id, { behavior: "allow" })).rejects.toMatchObject({
      code: "request_resolved",
    });
    expect(await requests.retrieve(id)).toMatchObject({ status: "cancelled" });
    expect((await session.send("%say Still here.")).text).toBe("Still here.");
    expect(await requests.list()).toEqual([]);
  });
});

describe("a process that could not go on in another", () => {
  /** Its turn runs on when a process that can be let go would have been. */
  const isHeld = async (of: Session, request: RequestResource) => {
    // The stack's containers sleep after a minute.
    expect(Date.parse(request.expires_at!) - Date.parse(request.created_at)).toBe(60_000);
    await sleep(Date.parse(request.created_at) + 1.5 * HOLD_MS - Date.now());
    expect((await of.retrieve()).status).toBe("running");
    await client().requests.answer(request.id, { behavior: "allow" });
  };

  it("is kept for a subagent's permission", async () => {
    const inner = JSON.stringify('%tool Bash {"command":"echo sub > s.txt"}\n%say Did it.');
    const call = `{"description":"help","prompt":${inner},"subagent_type":"general-purpose","run_in_background":false}`;
    const outcome = session.send(`%tool Agent ${call}\n%say Helped.`).result();
    await isHeld(session, await pending());
    expect((await outcome).text).toBe("Helped.");
  });

  it("is kept for a tool of the caller's MCP server, and runs it", async () => {
    const kit = createSdkMcpServer({
      name: "kit",
      alwaysLoad: true,
      tools: [tool("a", "A", {}, async () => ({ content: [{ type: "text", text: "a ran" }] }))],
    });
    const own = await client().sessions.create({ ...ask, mcpServers: { kit } });
    const reading = read(own.send("%tool mcp__kit__a {}\n%say The end."));
    await isHeld(own, await pending(own));
    const events = await reading;
    expect(events.at(-1)).toMatchObject({ result: { text: "The end." } });
    expect(toolResults(events)).toContain("a ran");
  });
});
