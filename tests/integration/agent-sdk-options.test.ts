/** Options of the Agent SDK's that have a machine in mind, on a deployment. */
import { randomUUID } from "node:crypto";

import { query, type Options, type SDKMessage } from "@claude-edge/client/agent-sdk";
import { describe, expect, it } from "vitest";

import { useStack } from "../support/stack.js";

const ACCOUNT = "agent-sdk-options";

const stack = useStack();
const edge = () => ({ baseURL: stack.stack.url, token: stack.stack.token, account: ACCOUNT });
const sessions = () => stack.client(ACCOUNT).sessions;

/** Runs a prompt; gives its session and all that was yielded, as text. */
async function run(prompt: string, options: Options) {
  let session = "";
  const messages: SDKMessage[] = [];
  const given = { permissionMode: "bypassPermissions" as const, ...options };
  for await (const message of query({ prompt, options: given, edge: edge() })) {
    if (message.session_id) session = message.session_id;
    messages.push(message);
  }
  return { session, messages, said: JSON.stringify(messages) };
}

const bash = (command: string) => `%tool Bash ${JSON.stringify({ command })}\n%say Done.`;

describe("cwd", () => {
  it("is a folder of the workspace, which is made", async () => {
    const { session, messages } = await run(bash("echo here > note.txt"), { cwd: "app/src" });
    const init = messages.find((m) => m.type === "system" && m.subtype === "init");
    expect(init).toMatchObject({ cwd: expect.stringMatching(/\/app\/src$/) });
    const file = await sessions().open(session).files.get("app/src/note.txt");
    expect(await file!.text()).toBe("here\n");
    // Another query goes on from there, in another folder.
    const { said } = await run(bash("cat app/src/note.txt"), { resume: session, cwd: "/home/me" });
    expect(said).toContain("here");
  });

  it("is refused over HTTP when it leads out of the workspace", async () => {
    for (const cwd of ["/etc", "../x", "a/../../x", "a/", ".", "", "a\0b"]) {
      const answer = await stack.fetch("/v1/sessions", { json: { options: { cwd } } });
      expect([cwd, answer.status]).toEqual([cwd, 400]);
    }
  });
});

describe("env", () => {
  it("is that of the session's processes; values are not shown again", async () => {
    const env = { ...process.env, ANSWER: "4242", ANTHROPIC_API_KEY: "sk-ant-mine" };
    const { session, said } = await run(bash('echo "$ANSWER-$ANTHROPIC_API_KEY"'), { env });
    expect(said).toContain("4242-");
    expect(said).not.toContain("sk-ant-mine");
    const { options } = await sessions().retrieve(session);
    expect(options.env).toEqual({ ANSWER: "***" });
    // What is sent back as it was shown keeps its values.
    const patch = await stack.fetch(`/v1/sessions/${session}`, {
      method: "PATCH",
      json: { options },
      account: ACCOUNT,
    });
    expect(patch.status).toBe(200);
    const next = await sessions().open(session).send(bash('echo "again $ANSWER"'));
    expect(next.text).toBe("Done.");
    expect(JSON.stringify(await stack.asked(session))).toContain("again 4242");
  });

  it("gives a placeholder of a credential whose hosts are known", async () => {
    const env = { GITHUB_TOKEN: "ghp_0123456789abcdefghij" };
    const { session, said } = await run(bash('echo "token:$GITHUB_TOKEN"'), { env });
    expect(said).toContain("token:");
    expect(said).not.toContain(env.GITHUB_TOKEN);
    const secrets = await stack.client(ACCOUNT).secrets.list({ sessionId: session });
    expect(secrets).toMatchObject([
      { name: "GITHUB_TOKEN", hosts: ["github.com", "*.github.com"] },
    ]);
  });

  it("is refused over HTTP for what the deployment sets, and for what is no name", async () => {
    for (const env of [{ HOME: "/" }, { https_proxy: "x" }, { "A-B": "x" }, { A: 1 }]) {
      const answer = await stack.fetch("/v1/sessions", { json: { options: { env } } });
      expect([env, answer.status]).toEqual([env, 400]);
    }
  });
});

describe("stderr", () => {
  it("is told while a turn runs, with what debug writes", async () => {
    let told = "";
    await run("%say Hello.", { debug: true, stderr: (data) => void (told += data) });
    expect(told.length).toBeGreaterThan(0);
  });
});

describe("persistSession: false", () => {
  it("leaves no session, and does not delete one that is branched", async () => {
    const { session } = await run("%say Gone.", { persistSession: false });
    await expect(sessions().retrieve(session)).rejects.toMatchObject({ code: "session_not_found" });

    const { session: kept } = await run("%say Kept.", {});
    const options = { resume: kept, forkSession: true, persistSession: false };
    const { session: branch } = await run("%say Branched.", options);
    expect(branch).not.toBe(kept);
    await expect(sessions().retrieve(branch)).rejects.toMatchObject({ code: "session_not_found" });
    expect((await sessions().retrieve(kept)).id).toBe(kept);
  });
});

describe("resumeSessionAt", () => {
  it("branches the session at the message, so that all of it stays", async () => {
    const { session, messages } = await run("%say One.", {});
    const { uuid } = messages.findLast(({ type }) => type === "assistant")!;
    await run("%say Two.", { resume: session });
    // Of all that the stack's model is asked, this alone holds it.
    const third = `%say ${randomUUID()}`;
    const { session: branch } = await run(third, {
      resume: session,
      resumeSessionAt: uuid!,
    });
    expect(branch).not.toBe(session);
    const [asked] = (await stack.asked(third)).map(({ body }) => JSON.stringify(body));
    expect(asked).toContain("One.");
    expect(asked).not.toContain("Two.");
  });
});

describe("rewindFiles()", () => {
  it("gives the files the state of before a message, and the conversation stays", async () => {
    const first = randomUUID();
    const second = randomUUID();
    async function* prompts() {
      yield user(first, bash("echo one > a.txt"));
      yield user(second, bash("echo two > a.txt; echo new > b.txt"));
    }
    const messages = query({
      prompt: prompts(),
      options: { permissionMode: "bypassPermissions", enableFileCheckpointing: true },
      edge: edge(),
    });
    let session = "";
    for await (const message of messages) session = message.session_id ?? session;
    const { files } = sessions().open(session);
    const contents = async (path: string) => (await files.get(path))!.text();

    const dry = await messages.rewindFiles(second, { dryRun: true });
    expect(dry).toEqual({ canRewind: true, filesChanged: ["a.txt", "b.txt"] });
    expect(await contents("a.txt")).toBe("two\n");
    expect(await messages.rewindFiles(second)).toEqual(dry);
    expect(await contents("a.txt")).toBe("one\n");
    await expect(contents("b.txt")).rejects.toMatchObject({ code: "file_not_found" });

    // The agent finds them so, and remembers both turns.
    const { said } = await run(bash("cat a.txt; ls"), { resume: session });
    expect(said).toContain("one");
    expect(said).not.toContain("b.txt");
    const [asked] = (await stack.asked("cat a.txt; ls")).map(({ body }) => JSON.stringify(body));
    expect(asked).toContain("echo two");

    expect(await messages.rewindFiles(first)).toMatchObject({ filesChanged: ["a.txt"] });
    await expect(contents("a.txt")).rejects.toMatchObject({ code: "file_not_found" });
    expect(await messages.rewindFiles(randomUUID())).toMatchObject({ canRewind: false });
  });
});

const user = (uuid: `${string}-${string}-${string}-${string}-${string}`, content: string) => ({
  type: "user" as const,
  message: { role: "user" as const, content },
  parent_tool_use_id: null,
  uuid,
});
