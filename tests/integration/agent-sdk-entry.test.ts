import { randomUUID } from "node:crypto";

import * as agent from "@claude-edge/client/agent-sdk";
import { beforeAll, describe, expect, it } from "vitest";

import { useStack } from "../support/stack.js";

const ACCOUNT = "agent-sdk-entry";
const NOBODY = "00000000-0000-4000-8000-000000000000";

const stack = useStack();

const on = (account = ACCOUNT) => ({
  edge: { baseURL: stack.stack.url, token: stack.stack.token, account },
});

async function sessionsOf(account: string) {
  const sessions = [];
  for await (const session of stack.client(account).sessions.list()) sessions.push(session);
  return sessions;
}

/** Reads a query to its end; gives its session and the last result's text. */
async function drain(messages: AsyncIterable<agent.SDKMessage>) {
  let session = "";
  let text = "";
  for await (const message of messages) {
    if (message.type === "system" && message.subtype === "init") session = message.session_id;
    if (message.type === "result" && message.subtype === "success") text = message.result;
  }
  return { session, text };
}

const DELEGATE =
  '%tool Agent {"description":"Look","prompt":"%say Seen.","subagent_type":"scout","run_in_background":false}\n%say Done.';

describe("functions on stored sessions", () => {
  let first = "";
  let second = "";

  beforeAll(async () => {
    const agents = { scout: { description: "Looks", prompt: "You look." } };
    const ask = (prompt: string, options: agent.Options) =>
      drain(agent.query({ prompt, options, ...on() }));
    ({ session: first } = await ask(DELEGATE, { agents, allowedTools: ["Agent"] }));
    ({ session: second } = await ask("%say Titled.", { title: "A plan" }));
  });

  it("list what the account has, newest first, by title or first prompt", async () => {
    const sessions = await agent.listSessions({ dir: "/home/me/project", ...on() });
    expect(sessions).toMatchObject([
      { sessionId: second, summary: "A plan", customTitle: "A plan" },
      { sessionId: first, summary: expect.stringContaining("%tool Agent") },
    ]);
    expect(sessions[0]!.lastModified).toBeGreaterThanOrEqual(sessions[1]!.lastModified);
    expect(sessions.map(({ fileSize }) => fileSize)).toEqual([undefined, undefined]);
    const [rest, ...more] = await agent.listSessions({ limit: 1, offset: 1, ...on() });
    expect([rest?.sessionId, more]).toEqual([first, []]);
    expect(await agent.listSessions(on("another-account"))).toEqual([]);
  });

  it("tell what was said, subagents apart", async () => {
    const said = await agent.getSessionMessages(first, on());
    expect(said.map(({ type }) => type)).toEqual(["user", "assistant", "user", "assistant"]);
    expect(JSON.stringify(said.at(-1)!.message)).toContain("Done.");
    expect(said[0]).toMatchObject({ session_id: first, parent_tool_use_id: null });
    const page = await agent.getSessionMessages(first, { limit: 2, offset: 1, ...on() });
    expect(page).toEqual(said.slice(1, 3));

    const [subagent, ...others] = await agent.listSubagents(first, on());
    expect(others).toEqual([]);
    const seen = await agent.getSubagentMessages(first, subagent!, on());
    expect(JSON.stringify(seen)).toContain("Seen.");
    expect(await agent.getSubagentMessages(first, "nobody", on())).toEqual([]);
  });

  it("have an empty answer for an id that the account does not have, as the Agent SDK's", async () => {
    for (const id of [NOBODY, "no-uuid", ""]) {
      expect(await agent.getSessionInfo(id, on())).toBeUndefined();
      expect(await agent.getSessionMessages(id, on())).toEqual([]);
      expect(await agent.listSubagents(id, on())).toEqual([]);
      await expect(agent.renameSession(id, "Name", on())).rejects.toThrow(id);
      await expect(agent.tagSession(id, "tag", on())).rejects.toThrow(id);
      await expect(agent.forkSession(id, on())).rejects.toThrow(id);
      await expect(agent.deleteSession(id, on())).rejects.toThrow(id);
    }
    // Nor does one account see what is another's.
    expect(await agent.getSessionInfo(first, on("another-account"))).toBeUndefined();
    expect(await agent.getSessionMessages(first, on("another-account"))).toEqual([]);
  });

  it("rename, tag, branch and delete", async () => {
    const { session } = await drain(agent.query({ prompt: "%say Keep this.", ...on() }));
    await agent.renameSession(session, " Renamed ", on());
    await agent.tagSession(session, "done", on());
    expect(await agent.getSessionInfo(session, on())).toMatchObject({
      sessionId: session,
      summary: "Renamed",
      customTitle: "Renamed",
      firstPrompt: "%say Keep this.",
      tag: "done",
    });
    await agent.tagSession(session, null, on());
    expect((await agent.getSessionInfo(session, on()))!.tag).toBeUndefined();
    await expect(agent.renameSession(session, " ", on())).rejects.toThrow(
      "title must be non-empty",
    );

    const said = await agent.getSessionMessages(session, on());
    const fork = await agent.forkSession(session, { upToMessageId: said[0]!.uuid, ...on() });
    expect(await agent.getSessionInfo(fork.sessionId, on())).toMatchObject({
      summary: "Renamed (fork)",
    });
    expect(await agent.getSessionMessages(fork.sessionId, on())).toHaveLength(1);

    await agent.deleteSession(session, on());
    expect(await agent.getSessionInfo(session, on())).toBeUndefined();
    await expect(agent.deleteSession(session, on())).rejects.toThrow(session);
  });

  it("read a store of the caller's own, when they are given one", async () => {
    const sessionStore = new agent.InMemorySessionStore();
    expect(await agent.listSessions({ sessionStore })).toEqual([]);
    expect(await agent.getSessionMessages(first, { sessionStore })).toEqual([]);
    // And a session of the deployment can be brought there.
    await agent.importSessionToStore(first, sessionStore, { batchSize: 2, ...on() });
    for (const read of [agent.getSessionMessages, agent.listSubagents]) {
      expect(await read(first, { sessionStore })).toEqual(await read(first, on()));
    }
    const missing = agent.importSessionToStore(NOBODY, sessionStore, on());
    await expect(missing).rejects.toThrow(NOBODY);
  });
});

describe("startup()", () => {
  it("starts a process for a session that the first prompt then uses", async () => {
    const account = "agent-sdk-startup";
    const warm = await agent.startup({ options: { model: "claude-haiku-4-5" }, ...on(account) });
    const [made, ...others] = await sessionsOf(account);
    expect([made?.last_seq, others]).toEqual([0, []]);
    const { session, text } = await drain(warm.query("%say Warm."));
    expect({ session, text }).toEqual({ session: made!.id, text: "Warm." });
    expect(() => warm.query("%say Again.")).toThrow("can be called once");
  });

  it("leaves nothing when it is closed without a prompt", async () => {
    const account = `agent-sdk-${randomUUID()}`;
    const warm = await agent.startup(on(account));
    warm.close();
    await expect.poll(() => sessionsOf(account), { timeout: 60_000 }).toEqual([]);
    expect(() => warm.query("%say Late.")).toThrow("not after close()");
  });
});
