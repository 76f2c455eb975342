import { randomBytes } from "node:crypto";

import { unpackTar } from "modern-tar";
import { describe, expect, test } from "vitest";

import { useR2Project } from "../support/r2.js";
import { TEMPLATE, useStack, type TestStack } from "../support/stack.js";
import { list, read, seenByAgent, shell, turnOf } from "../support/workspace.js";

async function killContainers(edge: TestStack) {
  for (const { name } of edge.stack.containers()) await edge.stack.killContainer(name);
}

const create = (edge: TestStack, account?: string) =>
  edge.client(account).sessions.create({ permissionMode: "bypassPermissions" });

describe.each([
  ["R2", useR2Project],
  ["the account's own storage", () => TEMPLATE],
])("files in %s", (_place, project) => {
  const edge = useStack({ project: project() });

  test("upload, turn, container destroyed, download, fork, both apart, rewind, tar", async () => {
    const session = await create(edge);
    const large = randomBytes(9_000_000);
    await session.files.put("in/large.bin", large);
    await session.files.put("in/run.sh", "#!/bin/sh\necho run > ran.txt\n", { mode: 0o755 });

    const first = await turnOf(
      session,
      shell("in/run.sh && ln -s ran.txt link", "mkdir -p out && cp in/large.bin out/copy.bin"),
    );
    await killContainers(edge);

    expect(await list(session)).toEqual([
      "in/",
      "in/large.bin",
      "in/run.sh",
      "link",
      "out/",
      "out/copy.bin",
      "ran.txt",
    ]);
    expect(Buffer.from(await (await session.files.get("out/copy.bin")).bytes())).toEqual(large);
    expect(await read(session, "link")).toBe("run\n");
    expect(edge.stack.containers()).toEqual([]);

    const fork = await session.fork();
    expect(await seenByAgent(fork, "cat link && cmp in/large.bin out/copy.bin && echo same")).toBe(
      "run\nsame",
    );
    await turnOf(fork, shell("echo fork > ran.txt"));
    const second = await turnOf(session, shell("echo origin > ran.txt && rm -r out"));
    expect(await read(fork, "ran.txt")).toBe("fork\n");
    expect(await read(session, "ran.txt")).toBe("origin\n");
    expect(await list(fork)).toContain("out/copy.bin");

    const changes = [];
    for await (const { change, path } of session.files.diff({ from: first.id, to: second.id })) {
      changes.push(`${change} ${path}`);
    }
    expect(changes).toEqual(["deleted out/copy.bin", "modified ran.txt"]);

    // In the container that is there, and then in another.
    expect(await session.rewind(first.id)).toMatchObject({ turn_id: first.id, changed: 2 });
    expect(await read(session, "ran.txt")).toBe("run\n");
    expect(await seenByAgent(session, "cat ran.txt && ls out")).toBe("run\ncopy.bin");
    await killContainers(edge);
    expect(await seenByAgent(session, "cat ran.txt && ls out")).toBe("run\ncopy.bin");
    expect(await read(fork, "ran.txt")).toBe("fork\n");

    const tar = await unpackTar(await session.files.tar("in"));
    expect(tar.map(({ header }) => [header.name, header.mode])).toEqual([
      ["large.bin", 0o644],
      ["run.sh", 0o755],
    ]);
    expect(Buffer.from(tar[0]!.data!).equals(large)).toBe(true);
  });

  test("the agent has what is put between its turns, also in a live process", async () => {
    const session = await create(edge, "between");
    await session.files.put("a.txt", "1");
    expect(await seenByAgent(session, "cat a.txt; echo kept > b.txt")).toBe("1");
    await session.files.put("a.txt", "2");
    await session.files.put("d/e.txt", "3");
    expect(await seenByAgent(session, "cat a.txt d/e.txt b.txt")).toBe("23kept");
    await session.files.delete("d", { recursive: true });
    expect(await seenByAgent(session, "ls")).toBe("a.txt\nb.txt");
    expect(await list(session)).toEqual(["a.txt", "b.txt"]);
  });

  test("a checkpoint comes before the result of the tool that it is of", async () => {
    const session = await create(edge, "order");
    const { events, id } = await turnOf(session, shell("echo 1 > a", "true", "echo 2 > a"));
    const told = events.flatMap((event) => {
      if (event.kind === "checkpoint") return [`checkpoint ${event.checkpoint?.changed}`];
      return event.kind === "message" && event.message.type === "user" ? ["result"] : [];
    });
    expect(told).toEqual(["checkpoint 1", "result", "result", "checkpoint 1", "result"]);
    const { value: newest } = await session.files.checkpoints({ limit: 1 }).next();
    expect(newest).toMatchObject({ reason: "tool", turn_id: id, files: 1, bytes: 2 });
    expect(await read(session, "a", id)).toBe("2\n");
  });

  test("a conversation goes back with its files, to the beginning too", async () => {
    const session = await create(edge, "back");
    /** What the model was shown with a command: others may be asking it too. */
    const shown = (command: string) =>
      edge.stack
        .model!.requests.map(({ body }) => JSON.stringify(body.messages))
        .findLast((messages) => messages.includes(command));
    const first = await turnOf(session, shell("echo one > a.txt"));
    await turnOf(session, shell("echo two > a.txt"));
    await session.rewind(first.id);
    expect(await seenByAgent(session, "cat a.txt")).toBe("one");
    expect(shown("cat a.txt")).toContain("echo one");
    expect(shown("cat a.txt")).not.toContain("echo two");
    await session.rewind(null);
    expect(await list(session)).toEqual([]);
    expect(await seenByAgent(session, "ls -A | wc -l")).toBe("0");
    expect(shown("ls -A | wc -l")).toBeDefined();
    expect(shown("ls -A | wc -l")).not.toContain("echo one");
    const kinds = [];
    for await (const event of session.events({ follow: false })) kinds.push(event.kind);
    expect(kinds.filter((kind) => kind === "rewind")).toHaveLength(2);
  });

  test("a fork at a turn or a message has what was known and there then", async () => {
    const session = await create(edge, "points");
    const first = await turnOf(session, shell("echo one > a.txt"));
    const { events } = await turnOf(session, shell("echo two > a.txt", "echo three > a.txt"));
    const atTurn = await session.fork({ turnId: first.id });
    expect(await read(atTurn, "a.txt")).toBe("one\n");
    const result = events.find(
      (event) => event.kind === "message" && event.message.type === "user",
    );
    const messageId = result?.kind === "message" ? (result.message.uuid as string) : "";
    const atMessage = await session.fork({ messageId });
    expect(await read(atMessage, "a.txt")).toBe("two\n");
    expect(await seenByAgent(atTurn, "cat a.txt")).toBe("one");
    expect((await atTurn.retrieve()).forked_from).toMatchObject({ turn_id: first.id });
    await expect(session.fork({ turnId: first.id, messageId })).rejects.toMatchObject({
      code: "invalid_request",
    });
    await expect(session.fork({ turnId: session.id })).rejects.toMatchObject({
      code: "turn_not_found",
    });
  });

  test("nobody writes while a turn runs", async () => {
    const session = await create(edge, "writing");
    await session.files.put("a", "1");
    const turn = session.send(shell("sleep 2; cat a"));
    const ended = turn.result();
    await expect
      .poll(async () => (await session.retrieve()).status, { timeout: 20_000 })
      .toBe("running");
    const refused = { code: "turn_running", retryable: true };
    const once = edge.client("writing", { maxRetries: 0 }).sessions.open(session.id);
    await expect(once.files.put("a", "2")).rejects.toMatchObject(refused);
    await expect(once.files.delete("a")).rejects.toMatchObject(refused);
    await expect(once.rewind(null)).rejects.toMatchObject(refused);
    expect(await read(session, "a")).toBe("1");
    await ended;
    await session.files.put("a", "2");
  });

  test("what goes with a prompt is there when its turn comes", async () => {
    const session = await create(edge, "attached");
    await session.files.put("attachments/data.csv", "old");
    const attachments = [{ name: "data.csv", data: "a,b\n1,2\n" }];
    const turn = session.send(shell("cat attachments/data-2.csv"), { attachments });
    await turn;
    const { messages } = edge.stack.model!.requests.at(-1)!.body as { messages: unknown[] };
    expect(JSON.stringify(messages)).toContain("attachments/data-2.csv");
    expect(await read(session, "attachments/data-2.csv")).toBe("a,b\n1,2\n");
    expect(await read(session, "attachments/data.csv")).toBe("old");
  });
});
