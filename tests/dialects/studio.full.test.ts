import { expect, test } from "vitest";

import { useOwnStack, useStack } from "../support/stack.js";
import { all } from "../support/tokens.js";
import { useProject } from "../support/use-project.js";
import { until } from "../support/wait.js";
import { COMPLETED, endsOf, eventsOf, sessionIn, studioOf } from "./studio-client.js";

const edge = useStack("dialects");

test("a container that is killed in mid-turn: the turn goes on in another, and ends once", async () => {
  const account = "studio-killed";
  const studio = studioOf(edge, account);
  let killed: Promise<void> | undefined;
  const events = await studio.generate("%tokens 3\n%wait 3000", undefined, async ({ type }) => {
    if (type !== "text_delta" || killed) return;
    const [session] = await all(edge.client(account).sessions.list());
    killed = edge.killContainerOf(session!.id);
  });
  await killed;
  expect(endsOf(events)).toEqual(COMPLETED);
  expect((await studio.generate("%say Again.", sessionIn(events))).at(-1)).toMatchObject({
    type: "complete",
    response: "Again.",
  });
});

const slow = useOwnStack({
  project: useProject({
    "agent.config.ts": "setInterval(() => {}, 1000);\nawait new Promise(() => {});\n",
  }),
  vars: { CLAUDE_EDGE_DIALECTS: "studio", CLAUDE_EDGE_START_TIMEOUT: "17s" },
});

test("while the container does not come up, the stream has begun, stays alive, and ends with what became of it", async () => {
  const studio = studioOf(slow);
  const response = await studio.ask("/api/generate", { prompt: "%say Hi.", sessionId: "s" });
  const [own, copy] = response.body!.pipeThrough(new TextDecoderStream()).tee();
  const events = eventsOf(new Response(own.pipeThrough(new TextEncoderStream())));
  expect((await events.next()).value).toEqual({ type: "session_init", sessionId: "s" });
  expect((await events.next()).value).toMatchObject({ type: "status" });
  await until("it is being started", async () => {
    const status = (await (await slow.fetch("/v1/status")).json()) as {
      container: { state: string };
    };
    return status.container.state === "starting";
  });
  expect((await studio.json("/api/sessions/s")).body.session).toMatchObject({ status: "active" });
  const { messages } = (await studio.json("/api/sessions/s/messages")).body;
  expect(messages).toEqual([expect.objectContaining({ role: "user", content: "%say Hi." })]);

  const rest = await all(events);
  expect(rest).toEqual([
    expect.objectContaining({ type: "error", code: "container_unavailable", retryable: true }),
  ]);
  expect((await all(copy)).join("")).toContain("\n\n:\n\n");
});
