/**
 * The fault suite: one scripted turn, and at every tenth event and each step of the protocol one thing that breaks; then
 * a turn that changes files, and the same after its tools. Prints what held, kind by kind; ends with 1 when anything
 * did not.
 *
 *   npm run test:faults            all of it, about half an hour on two cores
 *   npm run test:faults -- 100     every hundredth event instead of every tenth, and fewer tools
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { ClaudeEdge, type EdgeEvent, type Session } from "@claude-edge/client";
import { startLocal, type LocalStack } from "@claude-edge/local";
import { findMarked } from "@claude-edge/runner/processes";

import { filesFaults } from "./files/main.ts";
import { essence, finishedTools, prompt } from "./scenario.ts";

const EVERY = Number(process.argv[2] ?? 10);
const TEMPLATE = fileURLToPath(new URL("../../cli/template", import.meta.url));

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
}

/** What breaks, and whether the turn can go on over it. */
interface Kind {
  name: string;
  goesOn: boolean;
  strike(attempt: Attempt): unknown;
}

const killAll = (pids: number[]) => {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended in this very moment.
    }
  }
};

/** Tests run one account after the other, and end each one's container: the one that runs is the attempt's. */
const containerOf = ({ stack }: Attempt) => stack.containers().at(-1);

const KINDS: Kind[] = [
  { name: "cut the client", goesOn: true, strike: ({ cut }) => cut() },
  {
    name: "kill claude",
    goesOn: false,
    strike: ({ session }) => killAll(findMarked("CLAUDE_EDGE_SESSION", session.id)),
  },
  {
    name: "kill the runner",
    goesOn: false,
    strike: (given) => killAll([containerOf(given)?.pid ?? 0].filter(Boolean)),
  },
  { name: "restart the Worker", goesOn: true, strike: ({ stack }) => stack.restartWorker() },
  {
    name: "kill the container",
    goesOn: false,
    strike: (given) => {
      const container = containerOf(given);
      return container && given.stack.killContainer(container.name);
    },
  },
];

const isMessage = (event: EdgeEvent | undefined, text: string) =>
  event?.kind === "message" && JSON.stringify(event.message).includes(text);

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

/** A client whose connection can be cut from outside. */
function cuttableClient(stack: LocalStack, account: string) {
  let controller = new AbortController();
  const client = new ClaudeEdge({
    baseURL: stack.url,
    token: stack.token,
    account,
    maxReconnects: 8,
    fetch: (input, init) => {
      const signal = AbortSignal.any([init!.signal!, controller.signal]);
      return fetch(input, { ...init, signal });
    },
  });
  const cut = () => {
    controller.abort();
    controller = new AbortController();
  };
  return { client, cut };
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
  const { client, cut } = cuttableClient(stack, account);
  const session = await client.sessions.create({ permissionMode: "bypassPermissions" });
  const given: Attempt = { stack, account, session, cut };
  const problems: string[] = [];

  // The container is there and the session's process is not: where most turns begin.
  await client.query("%say warm");
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
  if (kind && !struck) problems.push("the fault did not strike");

  const end = events.at(-1);
  const status = end?.kind === "turn" ? `${end.status} ${end.error?.code ?? ""}`.trim() : "no end";
  const isTyped = end?.kind === "turn" && (end.status === "completed" || end.error !== undefined);
  if (!isTyped) problems.push(`no typed end: ${status}`);
  if (kind?.goesOn && status !== "completed") problems.push(`the turn could go on, but ${status}`);

  const told = essence(events);
  if (kind && status === "completed" && told.join("\n") !== undisturbed.join("\n")) {
    problems.push(`told otherwise: ${firstDifference(told, undisturbed)}`);
  }
  const seqs = events.map(({ seq }) => seq);
  if (seqs.some((seq, index) => index > 0 && seq <= seqs[index - 1]!))
    problems.push("seqs go back");

  problems.push(...(await whatFollows(given, events)));
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
  const shown = JSON.stringify(stack.model!.requests.at(-1)?.body.messages);
  for (const tool of finishedTools(events)) {
    if (!shown.includes(`${tool}-output`)) problems.push(`the model was not shown ${tool}`);
  }
  const runs = existsSync(ledger) ? readFileSync(ledger, "utf8").trim().split("\n") : [];
  if (new Set(runs).size !== runs.length) problems.push(`a tool ran twice: ${runs.join(", ")}`);
  return problems;
}

async function endContainer(given: Attempt, problems: string[]): Promise<void> {
  const left = findMarked("CLAUDE_EDGE_SESSION", given.session.id);
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
const stack = await startLocal({ project: TEMPLATE, model: "scripted" });
let tried = 0;
let broken = 0;
try {
  const plain = await attempt(stack, undefined, undefined, []);
  if (plain.problems.length > 0) throw new Error(`undisturbed: ${plain.problems.join("; ")}`);
  const undisturbed = essence(plain.events);
  const all = points(plain.events.length);
  console.log(
    `one turn of ${plain.events.length} events; ${all.length} points, ${KINDS.length} kinds\n`,
  );
  console.log("kind                  tried  broken  how the turns ended");
  for (const kind of KINDS) {
    const ends = new Map<string, number>();
    const failures: string[] = [];
    for (const point of all) {
      const { status, problems } = await attempt(stack, kind, point, undisturbed);
      tried += 1;
      ends.set(status, (ends.get(status) ?? 0) + 1);
      if (problems.length > 0)
        failures.push(`  ${kind.name} at ${point.name}: ${problems.join("; ")}`);
    }
    broken += failures.length;
    const summary = [...ends].map(([status, count]) => `${count} ${status}`).join(", ");
    console.log(
      `${kind.name.padEnd(20)}  ${String(all.length).padStart(5)}  ${String(failures.length).padStart(6)}  ${summary}`,
    );
    for (const failure of failures) console.log(failure);
  }
} finally {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
}
const files = await filesFaults(EVERY > 10 ? 5 : 1);
tried += files.tried;
broken += files.broken;
console.log(`\n${tried} tried, ${broken} broken`);
process.exitCode = broken > 0 ? 1 : 0;
