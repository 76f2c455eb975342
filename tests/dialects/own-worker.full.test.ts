import { setTimeout as sleep } from "node:timers/promises";

import { expect, test } from "vitest";

import { resetObject, RESETTABLE_WORKER } from "../support/resets.js";
import { useProject } from "../support/use-project.js";
import { useOwnStack } from "../support/stack.js";
import { until } from "../support/wait.js";
import { COMPLETED, endsOf, studioOf, textOf } from "./studio-client.js";

/** A Worker with routes of its own beside the API, which it also has below a path that looks like the API's. */
const WORKER = `
import claudeEdge, { type Env } from "@claude-edge/worker";
import { Hono } from "hono";

import resettable from "./resettable";

export { AccountDO, ContainerDO, DeploymentDO, Gateway, SessionDO } from "./resettable";

const app = new Hono<{ Bindings: Env }>();
app.route("/api/v1/agents", claudeEdge);
app.all("/reset/*", (c) => resettable.fetch(c.req.raw, c.env, c.executionCtx));
app.route("/", claudeEdge);
export default app;
`;

const edge = useOwnStack({
  project: useProject({ "src/worker.ts": WORKER, "src/resettable.ts": RESETTABLE_WORKER }),
  vars: { CLAUDE_EDGE_DIALECTS: "messages,studio" },
});

/** The first is when anything goes on at once; streams that had been silent for so long were given up once. */
test.each([0, 11_000])(
  "a turn is read on after its session was reset, when it had been silent for %d ms",
  async (silence) => {
    const account = "silent";
    let resetting: Promise<boolean> | undefined;
    const prompt = `%tokens 5\n%wait ${silence + 4000}\n%say After.`;
    const studio = studioOf(edge, account);
    const events = await studio.generate(prompt, `s-${silence}`, ({ type, text }) => {
      if (type !== "text_delta" || !String(text).includes("word5")) return;
      resetting ??= sleep(silence).then(async () => {
        for await (const { id } of edge.client(account).sessions.list()) {
          await resetObject(edge.stack.url, "SESSION", `${account}/${id}`);
          return true;
        }
        throw new Error("there is no session");
      });
    });
    expect(await resetting).toBe(true);
    expect(textOf(events)).toBe("word1 word2 word3 word4 word5After.");
    expect(endsOf(events)).toEqual(COMPLETED);
  },
);

test("a model call is counted whose account is reset while it runs", async () => {
  const account = "counted";
  const answer = await edge.fetch("/v1/messages", {
    account,
    json: {
      model: "claude-opus-5-5",
      max_tokens: 9,
      stream: true,
      messages: [{ role: "user", content: "%tokens 5\n%wait 1000\n%say After." }],
    },
  });
  let said = "";
  for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) {
    if (!said.includes("word5") && (said + text).includes("word5")) {
      await resetObject(edge.stack.url, "ACCOUNT", account);
    }
    said += text;
  }
  expect(said).toContain("message_stop");
  await until("it is counted", async () => {
    const { total } = await edge.client(account).usage();
    return total.output_tokens === 6;
  });
});

test("the Messages API is passed on from below a path with a version of its own", async () => {
  const base = "/api/v1/agents";
  const answer = await edge.fetch(`${base}/v1/messages`, {
    json: {
      model: "claude-opus-5-5",
      max_tokens: 9,
      messages: [{ role: "user", content: "%say Hi." }],
    },
  });
  expect(await answer.json()).toMatchObject({ content: [{ text: "Hi." }] });
  const models = await edge.fetch(`${base}/v1/models`);
  expect(await models.json()).toMatchObject({ data: expect.any(Array) });
});
