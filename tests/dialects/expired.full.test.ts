import { expect, test } from "vitest";

import { claims, now, signWith } from "../support/signing.js";
import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const edge = useStack("dialects");

/** How far clocks may be apart, seconds. */
const LEEWAY = 30;

test("a stream ends with its token, as an error; its turn goes on", async () => {
  const token = signWith(edge.stack.token, claims({ exp: now() - LEEWAY + 3 }));
  const answer = await edge.fetch("/api/generate-stream", {
    json: { prompt: "%say Before.\n%wait 5000\n%say After." },
    headers: { authorization: `Bearer ${token}` },
  });
  const frames = (await answer.text()).split("\n\n").filter((frame) => frame.startsWith("data:"));
  const events = frames.map((frame) => JSON.parse(frame.slice(5)) as Record<string, unknown>);
  expect(events.at(-1)).toMatchObject({ type: "error", code: "unauthorized" });
  expect(events.map(({ type }) => type)).not.toContain("complete");

  const { sessionId } = events[0]!;
  const session = edge.client("ada").sessions.open(String(sessionId));
  await until("the turn is over", async () => (await session.retrieve()).status === "idle");
  const texts = [];
  for await (const event of session.events({ follow: false })) {
    if (event.kind === "turn" && event.result) texts.push(event.result.text);
  }
  expect(texts.join()).toContain("After.");
});
