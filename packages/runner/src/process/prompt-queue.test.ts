import { expect, test } from "vitest";

import { PromptQueue } from "./prompt-queue.js";

test("prompts come in order, then as they are pushed, until the queue is closed", async () => {
  const queue = new PromptQueue();
  const written = queue.push("1", { prompt: "one", fields: { isSynthetic: true } }, true);
  void queue.push("2", { prompt: [{ type: "text", text: "two" }] }, false);
  const prompts = queue[Symbol.asyncIterator]();
  expect((await prompts.next()).value).toMatchObject({
    uuid: "1",
    message: { role: "user", content: "one" },
    client_composed: true,
    isSynthetic: true,
  });
  const second = (await prompts.next()).value;
  await written;
  expect(second).toMatchObject({ uuid: "2", message: { content: [{ text: "two" }] } });
  expect(second).not.toHaveProperty("client_composed");
  const waiting = prompts.next();
  void queue.push("3", { prompt: "three" }, true);
  expect((await waiting).value).toMatchObject({ uuid: "3" });
  void queue.push("4", { prompt: "four" }, true);
  queue.close();
  expect((await prompts.next()).value).toMatchObject({ uuid: "4" });
  expect((await prompts.next()).done).toBe(true);
});

test("a queue that is closed while somebody waits ends", async () => {
  const queue = new PromptQueue();
  const waiting = queue[Symbol.asyncIterator]().next();
  queue.close();
  expect((await waiting).done).toBe(true);
});
