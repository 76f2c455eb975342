/** Hosts that no policy lists: somebody is asked about them while the program's request is held. */
import {
  ClaudeEdge,
  type EdgeEvent,
  type NetworkAnswer,
  type NetworkRequest,
  type RequestResource,
  type Session,
} from "@claude-edge/client";
import { afterAll, describe, expect, test } from "vitest";

import { blocks } from "../support/events.js";
import { startPrivateGit } from "../support/private-git.js";
import { usePrivateHost } from "../support/private-host.js";
import { useOwnStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const { named } = await usePrivateHost(({ url }, response) => response.end(`reached ${url}`));
const git = await startPrivateGit({ names: ["open.git"], open: ["open.git"], token: "none" });
afterAll(() => git.close());

const edge = useOwnStack({
  vars: {
    CLAUDE_EDGE_HOLD: "12s",
    CLAUDE_EDGE_NETWORK: JSON.stringify({ type: "limited", unknown_hosts: "ask" }),
    CLAUDE_EDGE_PRIVATE_HOSTS: JSON.stringify({
      ...named("new.test", "other.test"),
      "git.test": git.origin,
    }),
  },
});

const curl = (url: string) => `curl -sS -m 60 http://${url}`;
/** A grant that ends counts for half a second. */
const grantsEnd = () => new Promise((resolve) => setTimeout(resolve, 600));

const NEW = curl("new.test/a");
/** What was denied is reported half a second later, in a turn that still runs. */
const REPORTED = "sleep 2";
const prompt = (...commands: string[]) =>
  `%tool Bash ${JSON.stringify({ command: commands.join("; echo; ") })}\n%say Done.`;

/** A session of an account: those of one share a container. */
const sessionOf = (account = "main"): Promise<Session> =>
  edge.client(account).sessions.create({ allowedTools: ["Bash"] });

/** What the agent's shell prints, who was asked about what, and the events. */
async function run(session: Session, command: string, answer?: NetworkAnswer) {
  const asked: NetworkRequest[] = [];
  session.onNetwork((request) => {
    asked.push(request);
    return answer;
  });
  const events: EdgeEvent[] = [];
  for await (const event of session.send(prompt(command))) events.push(event);
  const results = blocks(events).filter(({ type }) => type === "tool_result");
  return { said: results.map(({ content }) => String(content)).join("\n"), asked, events };
}

const requestsOf = ({ id: sessionId }: Session, account = "main") =>
  edge.client(account).requests.list({ sessionId, status: "any" });
const pending = (session: Session, account = "main"): Promise<RequestResource> =>
  until("a request", async () =>
    (await requestsOf(session, account)).find(({ status }) => status === "pending"),
  );

describe("a host that is asked about", () => {
  test("and allowed for the turn is reached in it, once asked, and asked about again in the next", async () => {
    const session = await sessionOf();
    const twice = `${NEW}; echo; ${curl("new.test/b")}`;
    const first = await run(session, twice, { behavior: "allow" });
    expect(first.said).toBe("reached /a\nreached /b");
    expect(first.asked).toMatchObject([
      { host: "new.test", port: 80, method: "GET", sessionId: session.id },
    ]);
    const [request] = await requestsOf(session);
    expect(request).toMatchObject({
      kind: "network",
      status: "answered",
      payload: { host: "new.test", port: 80, method: "GET" },
      answer: { behavior: "allow" },
    });
    await grantsEnd();
    const second = await run(session, NEW, { behavior: "allow", scope: "session" });
    expect(second.asked).toHaveLength(1);
    const third = await run(session, NEW);
    expect([third.said, third.asked]).toEqual(["reached /a", []]);
    await grantsEnd();
    const other = await run(await sessionOf(), NEW, { behavior: "deny" });
    expect(other.asked).toHaveLength(1);
    expect(other.said).toContain("denied it for this turn");
  });

  test("and allowed for the account is reached in all its sessions, until that is withdrawn", async () => {
    const client = edge.client("account");
    const first = await run(await sessionOf("account"), NEW, {
      behavior: "allow",
      scope: "account",
    });
    expect(first.said).toBe("reached /a");
    const second = await run(await sessionOf("account"), NEW);
    expect([second.said, second.asked]).toEqual(["reached /a", []]);
    expect((await client.network()).granted).toEqual(["new.test"]);
    expect((await client.setNetwork(null)).granted).toEqual(["new.test"]);
    expect((await client.setNetwork(null, { granted: [] })).granted).toEqual([]);
    await grantsEnd();
    const third = await run(await sessionOf("account"), NEW, { behavior: "deny" });
    expect(third.asked).toHaveLength(1);
  });

  test("and denied is refused at once, with what was said, and not asked about again in the turn", async () => {
    const { said, asked, events } = await run(await sessionOf(), `${NEW}; ${NEW} -i; ${REPORTED}`, {
      behavior: "deny",
      message: "Use the mirror.",
    });
    expect(said).toContain("somebody was asked and denied it for this turn: Use the mirror.");
    expect(said).toMatch(/403 [^]*x-claude-edge-error: network_denied/i);
    expect(asked).toHaveLength(1);
    expect(events.filter(({ kind }) => kind === "network")).toMatchObject([
      { host: "new.test", decision: "denied", reason: "refused" },
    ]);
  });

  test("is asked about once when two programs want it at the same time", async () => {
    const both = `(${NEW} &) ; ${NEW}; wait; sleep 2`;
    const session = await sessionOf();
    const { said, asked } = await run(session, both, { behavior: "allow" });
    expect(said.match(/reached/g)).toHaveLength(2);
    expect(asked).toHaveLength(1);
    expect(await requestsOf(session)).toHaveLength(1);
  });

  test("is refused when nobody answers in time; a later answer for the session counts in its next turn", async () => {
    const session = await sessionOf();
    const { said, events } = await run(session, `${NEW}; ${REPORTED}`);
    const request = await pending(session);
    expect(said).toContain(`has not answered yet (request ${request.id}). Try again`);
    expect(events.filter(({ kind }) => kind === "network")).toMatchObject([
      { host: "new.test", reason: "unanswered" },
    ]);
    expect(request).toMatchObject({ status: "pending", session_id: session.id });
    const { requests } = edge.client("main");
    await expect(requests.answer(request.id, { behavior: "allow" })).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining("allow the host for the session or the account"),
    });
    await requests.answer(request.id, { behavior: "allow", scope: "session" });
    const next = await run(session, NEW);
    expect([next.said, next.asked]).toEqual(["reached /a", []]);
  });

  test("can be answered while the program waits, by another program", async () => {
    const session = await sessionOf();
    const running = run(session, NEW);
    const { id } = await pending(session);
    await edge.client("main").requests.answer(id, { behavior: "allow" }, { by: "ada" });
    expect((await running).said).toBe("reached /a");
  });

  test("can be answered after its container was killed, for what comes", async () => {
    const session = await sessionOf("killed");
    const running = run(session, NEW).catch((error: unknown) => error);
    const { id } = await pending(session, "killed");
    for (const { name } of edge.stack.containers()) await edge.stack.killContainer(name);
    await until("the turn is over", async () => (await session.retrieve()).status === "idle");
    await running;
    expect(await edge.client("killed").requests.retrieve(id)).toMatchObject({ status: "pending" });
    await edge.client("killed").requests.answer(id, { behavior: "allow", scope: "account" });
    const next = await run(await sessionOf("killed"), NEW);
    expect([next.said, next.asked]).toEqual(["reached /a", []]);
  });

  test("is not asked about when a policy denies it, and named by that policy", async () => {
    const client = edge.client("strict");
    await client.setNetwork({ type: "limited" });
    const { said, asked } = await run(await sessionOf("strict"), NEW);
    expect(said).toContain("claude-edge network allow new.test");
    expect(asked).toEqual([]);
  });

  test("is asked about for a session with a policy of its own too", async () => {
    const network = { type: "limited", unknown_hosts: "ask" } as const;
    const session = await edge.client("own").sessions.create({ allowedTools: ["Bash"], network });
    const { said, asked } = await run(session, NEW, { behavior: "allow", scope: "session" });
    expect([said, asked.length]).toEqual(["reached /a", 1]);
  });

  test("is no private address, which nobody can allow", async () => {
    const { said, asked } = await run(
      await sessionOf(),
      `${curl("169.254.169.254/")} --noproxy ''; ${curl("localhost:1/")} --noproxy ''`,
    );
    expect(said).toContain("never reached");
    expect(asked).toEqual([]);
  });
});

describe("an answer", () => {
  test("is none of another account's, nor for the account from a token of the session alone", async () => {
    const session = await sessionOf("tenant");
    const running = run(session, NEW);
    const { id } = await pending(session, "tenant");
    const withToken = async (account: string, sessionId?: string) => {
      const of = sessionId === undefined ? {} : { sessionId };
      const { token } = await edge.client(account).tokens.create(of);
      return new ClaudeEdge({ baseURL: edge.stack.url, token }).requests;
    };
    const allow = { behavior: "allow", scope: "account" } as const;
    const stranger = (await withToken("stranger")).answer(id, allow);
    await expect(stranger).rejects.toMatchObject({ code: "request_not_found" });
    const narrow = await withToken("tenant", session.id);
    await expect(narrow.answer(id, allow)).rejects.toMatchObject({ code: "forbidden" });
    await narrow.answer(id, { ...allow, scope: "session" });
    expect((await running).said).toBe("reached /a");
    expect((await edge.client("stranger").network()).granted).toEqual([]);
  });
});

describe("a repository whose host is asked about", () => {
  const create = () =>
    edge.client("git").sessions.create({
      allowedTools: ["Bash"],
      repositories: [{ url: "https://git.test/open.git" }],
    });

  test("and allowed is cloned", async () => {
    const { said, asked } = await run(await create(), "cat open/README.md", { behavior: "allow" });
    expect(said).toBe("open.git");
    expect(asked).toMatchObject([{ host: "git.test", port: 443 }]);
    await grantsEnd();
  });

  test("and denied fails the turn with what was said", async () => {
    const session = await create();
    const { events } = await run(session, "true", { behavior: "deny", message: "Not this one." });
    const end = events.at(-1);
    const error = end?.kind === "turn" ? end.error : undefined;
    expect(error).toMatchObject({ code: "repository_unreachable" });
    expect(error?.message).toContain("Not this one.");
  });
});
