import { randomUUID } from "node:crypto";

import { expect, test } from "vitest";

import { conversationsClient, textOf } from "../support/conversations.js";
import { useOwnStack } from "../support/stack.js";
import { all } from "../support/tokens.js";
import { until } from "../support/wait.js";
import { studioOf } from "./studio-client.js";

const edge = useOwnStack({
  vars: { CLAUDE_EDGE_DIALECTS: "conversations,studio" },
});
const { call, stream } = conversationsClient(edge);

test("a conversation's stream of a turn that is over has the same text: the same key again", async () => {
  const headers = { "idempotency-key": randomUUID() };
  const body = { prompt: "%think Hm.\n%tokens 30" };
  const live = await stream("/stream", body, { headers });
  // From here on there are whole messages only.
  await edge.stack.restartWorker();
  const { sessions } = edge.client();
  const session = sessions.open(String(live.at(-2)!.conversation_id));
  await until("the pieces are forgotten", async () => {
    const events = await all(session.events({ follow: false }));
    return events.every(({ kind }) => kind !== "delta");
  });
  const again = await stream("/stream", body, { headers });
  expect(textOf(again)).toBe(textOf(live));
  expect(again.slice(-2)).toEqual(live.slice(-2));
  expect(again.length).toBeLessThan(live.length);
  const other = await call("/stream", { prompt: "%say Other." }, { headers });
  expect(other).toMatchObject({ status: 409, code: "idempotency_conflict" });
});

test("the studio has all messages, when they are read from storage in several pieces", async () => {
  const studio = studioOf(edge);
  for (let turn = 0; turn < 3; turn += 1) await studio.generate("%bytes 800000", "long");
  await edge.stack.restartWorker();
  const { body } = await studio.json("/api/sessions/long/messages");
  expect(body.count).toBe(6);
  const lengths = (body.messages as { content: string }[]).map(({ content }) => content.length);
  expect(lengths.filter((length) => length > 790_000)).toHaveLength(3);
});
