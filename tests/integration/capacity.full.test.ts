import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import type { EdgeEvent } from "@claude-edge/client";
import { expect, test } from "vitest";

import { resetObject, RESETTABLE_WORKER } from "../support/resets.js";
import { useOwnStack } from "../support/stack.js";
import { useProject } from "../support/use-project.js";
import { until } from "../support/wait.js";

const edge = useOwnStack({ project: useProject({ "src/worker.ts": RESETTABLE_WORKER }) });

/** The platform's own words. */
const NO_INSTANCE = "There is no container instance available at this time";

test("a turn that the platform has no container for waits, over a reset of its session, and then completes", async () => {
  const account = "capacity";
  edge.stack.refuseContainers(NO_INSTANCE, 120_000);
  const session = await edge.client(account).sessions.create();
  const events: EdgeEvent[] = [];
  let granted: Promise<void> | undefined;
  const grant = async () => {
    await resetObject(edge.stack.url, "SESSION", `${account}/${session.id}`);
    // It is refused some more times.
    await sleep(4_000);
    edge.stack.refuseContainers(NO_INSTANCE, 0);
  };
  for await (const event of session.send("%say Here I am.")) {
    events.push(event);
    if (event.kind === "turn" && event.reason) granted ??= grant();
  }
  await granted;
  const turns = events.filter((event) => event.kind === "turn");
  expect(turns.map(({ status, reason, cause }) => [status, reason, cause])).toEqual([
    ["queued", undefined, undefined],
    ["queued", "waiting_for_capacity", "no_instance"],
    ["running", undefined, undefined],
    ["completed", undefined, undefined],
  ]);
  expect(Date.parse(turns[1]!.since!)).not.toBeNaN();
});

test("JSON in, JSON out: a query whose session is reset meanwhile answers with its result", async () => {
  const account = "json";
  const id = randomUUID();
  const json = { prompt: "%say Before.\n%wait 3000\n%say After.", session_id: id };
  const answering = edge.fetch("/v1/query", { account, json });
  await until("it runs", async () => (await edge.asked("Before.")).length > 0);
  await resetObject(edge.stack.url, "SESSION", `${account}/${id}`);
  const answer = await answering;
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ session_id: id, status: "completed" });
});
