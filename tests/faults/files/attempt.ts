import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { ClaudeEdge, type EdgeEvent, type Session } from "@claude-edge/client";
import type { LocalStack } from "@claude-edge/local";

import type { Kind, Struck } from "./kinds.ts";
import { PROMPT, TOOLS } from "./tools.ts";
import { firstDifference, LOOK, shared, storedLook, type Look } from "./trees.ts";

/** When a fault strikes: behind the result of so many tools, and so many milliseconds later. */
export interface Point {
  tool: number;
  after: number;
}

export interface Outcome {
  status: string;
  problems: string[];
}

type MessageEvent = Extract<EdgeEvent, { kind: "message" }>;
type Content = { type: string; content?: unknown }[];

const contentOf = (event: EdgeEvent): Content => {
  if (event.kind !== "message" || event.message.type !== "user") return [];
  const { content } = (event as MessageEvent).message.message as { content: Content | string };
  return Array.isArray(content) ? content : [];
};

/** How many tools' results are among the events. */
const toolsTold = (events: EdgeEvent[]) =>
  events.flatMap(contentOf).filter(({ type }) => type === "tool_result").length;

const checkpointsOf = (events: EdgeEvent[]) =>
  events.flatMap((event) => (event.kind === "checkpoint" ? [event] : []));

/** One turn in an account of its own, the fault in it, and whether the files are what they have to be. */
export async function attempt(
  stack: LocalStack,
  looks: Look[],
  kind: Kind | undefined,
  point: Point | undefined,
): Promise<Outcome> {
  const account = `files-${randomUUID()}`;
  const client = new ClaudeEdge({
    baseURL: stack.url,
    token: stack.token,
    account,
    maxReconnects: 8,
  });
  // Where a turn ends is where its files are looked at.
  const options = { permissionMode: "bypassPermissions", onContainerLost: "fail" } as const;
  const session = await client.sessions.create(options);
  const problems: string[] = [];
  const given: Struck = { stack, account, session, heal: () => {} };
  const events: EdgeEvent[] = [];
  let struck: Promise<unknown> | undefined;
  try {
    for await (const event of session.send(PROMPT)) {
      events.push(event);
      if (struck || !kind || !point || toolsTold(events) < point.tool) continue;
      struck = sleep(point.after).then(() => kind.strike(given));
    }
  } catch (error) {
    problems.push(`the reader failed: ${String(error)}`);
  }
  await struck;
  await given.heal();
  if (kind && !struck) problems.push("the fault did not strike");
  const end = events.at(-1);
  const status = end?.kind === "turn" ? `${end.status} ${end.error?.code ?? ""}`.trim() : "no end";
  try {
    problems.push(...(await whatIsThere(session, looks, kind, events, status)));
  } catch (error) {
    problems.push(`what followed failed: ${String(error)}`);
  }
  await session.delete().catch((error: unknown) => problems.push(`not deleted: ${String(error)}`));
  for (const { name } of stack.containers()) await stack.killContainer(name);
  return { status, problems };
}

async function whatIsThere(
  session: Session,
  looks: Look[],
  kind: Kind | undefined,
  events: EdgeEvent[],
  status: string,
): Promise<string[]> {
  const problems: string[] = [];
  const told = toolsTold(events);
  const checkpoints = checkpointsOf(events);
  const failed = checkpoints.find(({ checkpoint }) => !checkpoint);
  if (failed) problems.push(`a checkpoint failed: ${JSON.stringify(failed.error)}`);
  const goesOn = !kind || kind.goesOn === true;
  // The agent asks the model anew for 1.8 s; on a loaded machine workerd takes longer to be there again.
  const isPatienceOver = kind?.goesOn === true && status === "failed model_error";
  if (goesOn && status !== "completed" && !isPatienceOver) {
    problems.push(`the turn ended ${status}`);
  }
  if (status === "completed" && told !== TOOLS.length) problems.push(`${told} results were told`);

  const isWhole = kind?.leavesContainer !== true;
  // Each tool's state can be read for itself, by the number of its checkpoint.
  const each = status === "completed" ? checkpoints : [];
  for (const [index, { checkpoint }] of each.entries()) {
    if (!checkpoint) continue;
    const look = await storedLook(session, checkpoint.checkpoint);
    if (look === looks[index + 1]) continue;
    problems.push(`after tool ${index + 1}: ${firstDifference(look, looks[index + 1]!)}`);
  }
  const stored = await storedLook(session);
  const reached = checkpoints.length;
  if (reached < told) problems.push(`${told} tools were told of, ${reached} checkpoints`);
  if (isWhole && reached > told + 1) problems.push(`${reached} checkpoints of ${told} tools`);
  if (isWhole && stored !== looks[reached]) {
    problems.push(`with ${told} told: ${firstDifference(stored, looks[reached] ?? "")}`);
  }
  const seen = await lookInContainer(session);
  if (!isWhole) {
    // A tool that was cut off has done a part of what it does: what it leaves alone is as it was.
    const [before, after] = [looks[told]!, looks[told + 1] ?? looks[told]!];
    const lines = new Set(stored.split("\n"));
    const lost = shared(before, after).find((line) => !lines.has(line));
    if (lost !== undefined) problems.push(`"${lost}" is gone`);
  } else if (seen.checkpoints > 0) problems.push("the new container has other files");
  const newest = await storedLook(session);
  if (seen.look !== newest)
    problems.push(`in the container: ${firstDifference(seen.look, newest)}`);
  return problems;
}

/** What the next prompt's shell sees, and how many checkpoints that made. */
async function lookInContainer(session: Session): Promise<{ look: Look; checkpoints: number }> {
  const events: EdgeEvent[] = [];
  const prompt = `%tool Bash ${JSON.stringify({ command: LOOK })}\n%say Done.`;
  for await (const event of session.send(prompt)) events.push(event);
  const end = events.at(-1);
  if (end?.kind !== "turn" || end.status !== "completed") {
    throw new Error(`the next turn ended ${JSON.stringify(end)}`);
  }
  const text = events.flatMap(contentOf).map(({ content }) => String(content));
  return { look: text.join("\n").trim(), checkpoints: checkpointsOf(events).length };
}
