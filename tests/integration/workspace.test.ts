import type { Session } from "@claude-edge/client";
import { beforeAll, describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";
import {
  createSession,
  list,
  read,
  runTurn,
  seenByAgent,
  shell,
  turnOf,
} from "../support/workspace.js";

const ACCOUNT = "workspace";

describe("a session's files and its turns", () => {
  const edge = useStack();
  let session: Session;

  beforeAll(async () => {
    session = await createSession(edge, ACCOUNT);
  });

  test("the agent has what is put between its turns, also in a live process", async () => {
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
    const { events, id } = await turnOf(session, shell("echo 1 > a", "true", "echo 2 > a"));
    const told = events.flatMap((event) => {
      if (event.kind === "checkpoint") return [`checkpoint ${event.checkpoint?.changed}`];
      return event.kind === "message" && event.message.type === "user" ? ["result"] : [];
    });
    expect(told).toEqual(["checkpoint 1", "result", "result", "checkpoint 1", "result"]);
    const { value: newest } = await session.files.checkpoints({ limit: 1 }).next();
    expect(newest).toMatchObject({ reason: "tool", turn_id: id, files: 3, bytes: 8 });
    expect(await read(session, "a", id)).toBe("2\n");
  });

  test("nobody writes while a turn runs", async () => {
    const turn = runTurn(session, "%wait 60000\n%say Never.");
    await until("the turn runs", async () => (await session.retrieve()).status === "running");
    const refused = { code: "turn_running", retryable: true };
    const once = edge.client(ACCOUNT, { maxRetries: 0 }).sessions.open(session.id);
    await expect(once.files.put("a", "3")).rejects.toMatchObject(refused);
    await expect(once.files.delete("a")).rejects.toMatchObject(refused);
    await expect(once.rewind(null)).rejects.toMatchObject(refused);
    expect(await read(session, "a")).toBe("2\n");
    await session.interrupt();
    expect((await turn).status).toBe("interrupted");
    await session.files.put("a", "3");
  });

  test("what goes with a prompt is there when its turn comes", async () => {
    await session.files.put("attachments/data.csv", "old");
    const attachments = [{ name: "data.csv", data: "a,b\n1,2\n" }];
    await session.send(shell("cat attachments/data-2.csv"), { attachments });
    const { body } = (await edge.asked(session.id)).at(-1)!;
    expect(JSON.stringify(body.messages)).toContain("attachments/data-2.csv");
    expect(await read(session, "attachments/data-2.csv")).toBe("a,b\n1,2\n");
    expect(await read(session, "attachments/data.csv")).toBe("old");
  });

  test("a fork at a turn or a message has what was known and there then", async () => {
    const first = await turnOf(session, shell("echo one > fork.txt"));
    // A result is told up to a second after its tool, and later checkpoints do not wait for it.
    const tools = shell("echo two > fork.txt", "sleep 2; echo three > fork.txt");
    const { events } = await turnOf(session, tools);
    const atTurn = await session.fork({ turnId: first.id });
    expect(await read(atTurn, "fork.txt")).toBe("one\n");
    const result = events.find(
      (event) => event.kind === "message" && event.message.type === "user",
    );
    const messageId = result?.kind === "message" ? (result.message.uuid as string) : "";
    const atMessage = await session.fork({ messageId });
    expect(await read(atMessage, "fork.txt")).toBe("two\n");
    expect(await seenByAgent(atTurn, "cat fork.txt")).toBe("one");
    expect((await atTurn.retrieve()).forked_from).toMatchObject({ turn_id: first.id });
    await expect(session.fork({ turnId: first.id, messageId })).rejects.toMatchObject({
      code: "invalid_request",
    });
    await expect(session.fork({ turnId: session.id })).rejects.toMatchObject({
      code: "turn_not_found",
    });
  });

  test("a conversation goes back with its files, to the beginning too", async () => {
    /** What the model was shown with a command. */
    const shown = async (command: string) =>
      (await edge.asked(session.id))
        .map(({ body }) => JSON.stringify(body.messages))
        .findLast((messages) => messages.includes(command));
    const first = await turnOf(session, shell("echo one > back.txt"));
    await turnOf(session, shell("echo two > back.txt"));
    await session.rewind(first.id);
    expect(await seenByAgent(session, "cat back.txt")).toBe("one");
    expect(await shown("cat back.txt")).toContain("echo one > back");
    expect(await shown("cat back.txt")).not.toContain("echo two > back");
    await session.rewind(null);
    expect(await list(session)).toEqual([]);
    expect(await seenByAgent(session, "ls -A | wc -l")).toBe("0");
    expect(await shown("ls -A | wc -l")).toBeDefined();
    expect(await shown("ls -A | wc -l")).not.toContain("echo one > back");
    const kinds = [];
    for await (const event of session.events({ follow: false })) kinds.push(event.kind);
    expect(kinds.filter((kind) => kind === "rewind")).toHaveLength(2);
  });
});
