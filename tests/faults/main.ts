/**
 * The fault suite: one scripted turn, and at every tenth event and each step of the protocol one thing that breaks; then
 * a turn that changes files, and the same after its tools. Prints what held, kind by kind; ends with 1 when anything
 * did not.
 *
 *   npm run test:faults            all of it, about half an hour on two cores
 *   npm run test:faults -- 600     a sample: every 600th event instead of every tenth, fewer tools, no spares
 *   npm run test:faults -- 600 end the kinds of faults whose names hold the word
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { EdgeEvent, Session } from "@claude-edge/client";
import { startLocal, type LocalStack } from "@claude-edge/local";
import { findMarked } from "@claude-edge/runner/processes";

import { cuttableClient } from "../support/cuttable.ts";
import { makeProject, NO_BUDGET } from "../support/project.ts";
import { poison, POISONS } from "../support/poison.ts";
import { RESETTABLE_WORKER } from "../support/resets.ts";
import { newestRequest, shownIn } from "../support/shown.ts";
import {
  killAll,
  killClaude,
  NO_INSTANCE,
  resetAccount,
  resetContainer,
  resetSession,
} from "../support/strikes.ts";
import { installVersion } from "../support/versions.ts";
import { filesFaults } from "./files/main.ts";
import { essence, finishedTools, prompt } from "./scenario.ts";

const EVERY = Number(process.argv[2] ?? 10);
const ONLY = process.argv[3];

/** A sample goes without spare processes: they are most of an attempt's CPU. */
const containerEnv: Record<string, string> = EVERY > 10 ? { CLAUDE_EDGE_SPARES: "0" } : {};

/** When a fault strikes: given the events so far, before anything is sent (none) and behind each. */
interface Point {
  name: string;
  strikes(events: EdgeEvent[]): boolean;
  /** Milliseconds behind that moment. */
  after?: number;
}

interface Attempt {
  stack: LocalStack;
  account: string;
  session: Session;
  /** Breaks the reader's connection. */
  cut(): void;
  /** Set while the container is ending. */
  stopping?: Promise<void>;
  /** Takes back what would break the next turn too. */
  heal(): unknown;
}

/** What breaks, and whether the turn can go on over it. */
interface Kind {
  name: string;
  goesOn: boolean;
  /** The container is not there when the turn begins. */
  startsCold?: boolean;
  /** What had finished may be what is lost. */
  loses?: boolean;
  strike(attempt: Attempt): unknown;
}

/** Tests run one account after the other, and end each one's container: the one that runs is the attempt's. */
const containerOf = ({ stack }: Attempt) => stack.containers().at(-1);

/** Ends the attempt's container as a deployment does. Whoever strikes does not wait for its end. */
const stopContainer = (given: Attempt) => {
  const container = containerOf(given);
  if (container) given.stopping = given.stack.stopContainer(container.name);
};

const KINDS: Kind[] = [
  { name: "cut the client", goesOn: true, strike: ({ cut }) => cut() },
  { name: "kill claude", goesOn: false, strike: killClaude },
  {
    name: "kill the runner",
    goesOn: false,
    strike: (given) => killAll([containerOf(given)?.pid ?? 0].filter(Boolean)),
  },
  { name: "restart the Worker", goesOn: true, strike: ({ stack }) => stack.restartWorker() },
  // Production resets objects one at a time.
  { name: "reset the account", goesOn: true, strike: resetAccount },
  { name: "reset the session", goesOn: true, strike: resetSession },
  { name: "reset its container's object", goesOn: true, strike: resetContainer },
  {
    name: "capacity refused for 20 s",
    goesOn: true,
    startsCold: true,
    strike: ({ stack }) => stack.refuseContainers(NO_INSTANCE, 20_000),
  },
  {
    name: "kill the container",
    goesOn: false,
    strike: (given) => {
      const container = containerOf(given);
      return container && given.stack.killContainer(container.name);
    },
  },
  { name: "end the container", goesOn: true, strike: stopContainer },
  ...(Object.keys(POISONS) as (keyof typeof POISONS)[])
    // It asks for nothing and changes no files.
    .filter((kind) => kind !== "request" && kind !== "checkpoint")
    .map((kind): Kind => ({
      name: `poison a ${kind}`,
      goesOn: false,
      loses: true,
      strike: async (given) => {
        const { stack, account, session } = given;
        given.heal = await poison(stack.url, `${account}/${session.id}`, kind);
      },
    })),
];

/** With a stack of their own, whose containers give running turns no time. */
const IMPATIENT_KINDS: Kind[] = [
  { name: "end it without patience", goesOn: false, strike: stopContainer },
];

/** With a runner that is a version older than the Worker. */
const SKEWED_KINDS: Kind[] = [
  { name: "end an older container", goesOn: true, strike: stopContainer },
  {
    name: "deploy another version",
    goesOn: true,
    strike: ({ stack }) => {
      deploys += 1;
      installVersion(skewed.folder, "worker", { version: `0.1.${deploys}`, protocols: 0 });
      return stack.restartWorker();
    },
  },
];

const isMessage = (event: EdgeEvent | undefined, text: string) =>
  event?.kind === "message" && JSON.stringify(event.message).includes(text);

const isTurn = (event: EdgeEvent, status: string) =>
  event.kind === "turn" && event.status === status;

function points(length: number): Point[] {
  const last = (events: EdgeEvent[]) => events.at(-1);
  const steps: Point[] = [
    { name: "before accept", strikes: (events) => events.length === 0 },
    { name: "after accept", strikes: (events) => events.length === 1 },
    {
      name: "during a tool",
      strikes: (events) => isMessage(last(events), '"type":"tool_use"'),
      after: 150,
    },
    {
      name: "before the result",
      strikes: (events) => {
        const event = last(events);
        return isMessage(event, "third80") && isMessage(event, '"type":"assistant"');
      },
    },
    {
      name: "after the result",
      strikes: (events) => last(events)?.kind === "turn" && events.length > 2,
    },
  ];
  const every = Array.from({ length: Math.floor(length / EVERY) }, (_, index): Point => {
    const count = (index + 1) * EVERY;
    return { name: `event ${count}`, strikes: (events) => events.length === count };
  });
  return [...steps, ...every];
}

async function startContainer({ url, token }: LocalStack, account: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "x-account-id": account };
  const response = await fetch(`${url}/v1/status?start=true`, { headers });
  if (!response.ok) throw new Error(await response.text());
  await response.text();
}

interface Outcome {
  status: string;
  problems: string[];
}

async function attempt(
  stack: LocalStack,
  kind: Kind | undefined,
  point: Point | undefined,
  undisturbed: string[],
): Promise<Outcome & { events: EdgeEvent[] }> {
  const account = `faults-${randomUUID()}`;
  rmSync(ledger, { force: true });
  const { client, cut } = cuttableClient({ baseURL: stack.url, token: stack.token, account });
  const session = await client.sessions.create({ permissionMode: "bypassPermissions" });
  const given: Attempt = { stack, account, session, cut, heal: () => {} };
  const problems: string[] = [];

  // The container is there and the session's process is not: where most turns begin.
  if (!kind?.startsCold) await startContainer(stack, account);
  let struck: Promise<unknown> | undefined;
  const strikeAt = (events: EdgeEvent[]) => {
    if (struck || !kind || !point?.strikes(events)) return;
    struck = sleep(point.after ?? 0).then(() => kind.strike(given));
  };
  const events: EdgeEvent[] = [];
  strikeAt(events);
  try {
    for await (const event of session.send(prompt(ledger))) {
      events.push(event);
      strikeAt(events);
    }
  } catch (error) {
    problems.push(`the reader failed: ${String(error)}`);
  }
  await struck;
  await given.heal();
  if (kind && !struck) problems.push("the fault did not strike");

  const end = events.at(-1);
  const status = end?.kind === "turn" ? `${end.status} ${end.error?.code ?? ""}`.trim() : "no end";
  const isTyped = end?.kind === "turn" && (end.status === "completed" || end.error !== undefined);
  if (!isTyped) problems.push(`no typed end: ${status}`);
  if (kind?.goesOn && status !== "completed") problems.push(`the turn could go on, but ${status}`);

  const told = essence(events.filter((event) => event.kind !== "turn" || !event.reason));
  const waits = events.filter((event) => event.kind === "turn" && event.reason);
  if (waits.length > 1) problems.push(`the wait was told ${waits.length} times`);
  const wasResumed = events.filter((event) => isTurn(event, "running")).length > 1;
  if (wasResumed && status === "completed") {
    // What was cut off is told again.
    if (!told.at(-2)?.includes("third80")) problems.push(`resumed, and ended with ${told.at(-2)}`);
  } else if (kind && status === "completed" && told.join("\n") !== undisturbed.join("\n")) {
    problems.push(`told otherwise: ${firstDifference(told, undisturbed)}`);
  }
  const seqs = events.map(({ seq }) => seq);
  if (seqs.some((seq, index) => index > 0 && seq <= seqs[index - 1]!))
    problems.push("seqs go back");

  problems.push(...(await whatFollows(given, kind?.loses ? [] : events)));
  await session.delete().catch((error: unknown) => problems.push(`not deleted: ${String(error)}`));
  await endContainer(given, problems);
  return { status, problems, events };
}

/** The session must take the next prompt, and the model must be shown what had finished; nothing ran twice. */
async function whatFollows({ stack, session }: Attempt, events: EdgeEvent[]): Promise<string[]> {
  const problems: string[] = [];
  const next = await session
    .send("%say Next.")
    .result()
    .catch((error: unknown) => error as Error);
  if (next instanceof Error) problems.push(`the next prompt failed: ${next.message}`);
  else if (next.text !== "Next.") problems.push(`the next answer is ${next.text}`);
  const request = newestRequest(stack.model!, session.id);
  const answered = request ? shownIn(request).answered : "";
  for (const tool of finishedTools(events)) {
    if (!answered.includes(`${tool}-output`)) problems.push(`the model was not shown ${tool}`);
  }
  const runs = existsSync(ledger) ? readFileSync(ledger, "utf8").trim().split("\n") : [];
  if (new Set(runs).size !== runs.length) problems.push(`a tool ran twice: ${runs.join(", ")}`);
  return problems;
}

async function endContainer(given: Attempt, problems: string[]): Promise<void> {
  await given.stopping;
  const left = findMarked({ CLAUDE_EDGE_SESSION: given.session.id });
  if (left.length > 0) problems.push(`${left.length} processes of the session are left`);
  for (const { name } of given.stack.containers()) await given.stack.killContainer(name);
}

function firstDifference(told: string[], expected: string[]): string {
  const index = expected.findIndex((line, at) => told[at] !== line);
  const at = index < 0 ? expected.length : index;
  return `#${at} ${told[at]?.slice(0, 60)} instead of ${expected[at]?.slice(0, 60)}`;
}

const folder = mkdtempSync(join(tmpdir(), "faults-"));
/** Where the tools write each time they run, outside every container. */
const ledger = join(folder, "ledger");
const project = makeProject({ "src/worker.ts": RESETTABLE_WORKER });
const skewed = makeProject({ "src/worker.ts": RESETTABLE_WORKER });
installVersion(skewed.folder, "runner", { version: "0.0.9", protocols: -1 });
let deploys = 0;
let tried = 0;
let broken = 0;

/** Tries kinds of faults at every point on a stack of their own. */
async function tryKinds(
  kinds: Kind[],
  vars: Record<string, string>,
  { folder: of }: { folder: string } = project,
): Promise<void> {
  const stack = await startLocal({
    project: of,
    model: "scripted",
    containerEnv,
    vars: { ...NO_BUDGET, ...vars },
  });
  try {
    const plain = await attempt(stack, undefined, undefined, []);
    if (plain.problems.length > 0) throw new Error(`undisturbed: ${plain.problems.join("; ")}`);
    const undisturbed = essence(plain.events);
    const all = points(plain.events.length);
    console.log(
      `one turn of ${plain.events.length} events; ${all.length} points, ${kinds.length} kinds\n`,
    );
    console.log("kind                          tried  broken  how the turns ended");
    for (const kind of kinds) await tryKind(stack, kind, all, undisturbed);
  } finally {
    await stack.stop();
  }
}

async function tryKind(
  stack: LocalStack,
  kind: Kind,
  all: Point[],
  undisturbed: string[],
): Promise<void> {
  const ends = new Map<string, number>();
  const failures: string[] = [];
  // A container that runs is not refused.
  const struckAt = kind.startsCold ? all.slice(0, 1) : all;
  for (const point of struckAt) {
    const { status, problems } = await attempt(stack, kind, point, undisturbed);
    tried += 1;
    ends.set(status, (ends.get(status) ?? 0) + 1);
    if (problems.length > 0)
      failures.push(`  ${kind.name} at ${point.name}: ${problems.join("; ")}`);
  }
  broken += failures.length;
  const summary = [...ends].map(([status, count]) => `${count} ${status}`).join(", ");
  console.log(
    `${kind.name.padEnd(28)}  ${String(struckAt.length).padStart(5)}  ${String(failures.length).padStart(6)}  ${summary}`,
  );
  for (const failure of failures) console.log(failure);
}

const wanted = ({ name }: Kind) => name.includes(ONLY ?? "");
try {
  await tryKinds(KINDS.filter(wanted), {});
  await tryKinds(IMPATIENT_KINDS.filter(wanted), { CLAUDE_EDGE_DRAIN: "0s" });
  await tryKinds(SKEWED_KINDS.filter(wanted), {}, skewed);
} finally {
  project.remove();
  skewed.remove();
  rmSync(folder, { recursive: true, force: true });
}
if (ONLY === undefined) {
  const files = await filesFaults(EVERY > 10 ? 5 : 1, containerEnv);
  tried += files.tried;
  broken += files.broken;
}
console.log(`\n${tried} tried, ${broken} broken`);
process.exitCode = broken > 0 ? 1 : 0;
