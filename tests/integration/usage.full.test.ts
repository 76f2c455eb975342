import { expect, test } from "vitest";

import { useOwnStack } from "../support/stack.js";
import { exact, ofSdk, run } from "../support/usage.js";
import { until } from "../support/wait.js";

const edge = useOwnStack();
const permissionMode = "bypassPermissions";

test("a restart in mid-turn counts nothing twice, and nothing too little", async () => {
  const client = edge.client("restarted");
  const session = await client.sessions.create({ permissionMode });
  await run(session, "%cache 11 22\n%say Before.");
  const running = run(session, '%tokens 40\n%tool Bash {"command":"sleep 2.5"}\n%tokens 40');
  await until("it runs", async () => (await session.retrieve()).status === "running");
  await edge.stack.restartWorker();
  await running;
  const { sums } = await run(session, "%say After.");
  await edge.stack.restartWorker();
  const { total } = await client.usage();
  expect(exact(total)).toEqual(ofSdk(3, Object.values(sums!.modelUsage)[0]!));
});
