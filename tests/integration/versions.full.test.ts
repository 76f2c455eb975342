import type { ClaudeEdge, EdgeEvent, Session } from "@claude-edge/client";
import { PROTOCOL_VERSION } from "@claude-edge/protocol";
import { RUNNER_PROTOCOL } from "@claude-edge/protocol/runner";
import { beforeAll, expect, test } from "vitest";

import { read, statuses, toolResults } from "../support/events.js";
import { Gate } from "../support/gate.js";
import { useOwnStack } from "../support/stack.js";
import { statusOf } from "../support/status.js";
import { useProject } from "../support/use-project.js";
import { installVersion, type OtherVersion } from "../support/versions.js";
import { until } from "../support/wait.js";

const OLD: OtherVersion = { version: "0.0.9", protocols: -1 };
const NEW: OtherVersion = { version: "0.1.1", protocols: 0 };

const project = useProject();
installVersion(project, "worker", OLD);
installVersion(project, "runner", OLD);
const edge = useOwnStack({ project, vars: { CLAUDE_EDGE_MAX_CONCURRENT_TURNS: "4" } });

const options = { permissionMode: "bypassPermissions" } as const;
const bash = (command: string) => `%tool Bash ${JSON.stringify({ command })}\n%say Done.`;
const containerOf = async (account: string) => (await statusOf(edge, account)).container;

/** What sessions do, from a prompt to a fork. */
async function expectWork({ sessions, requests }: ClaudeEdge): Promise<Session> {
  const session = await sessions.create(options);
  await session.files.put("in.txt", "from outside");
  const events = await read(session.send(bash("cat in.txt; echo out > out.txt")));
  expect(statuses(events)).toEqual(["queued", "running", "completed"]);
  expect(toolResults(events)).toContain("from outside");
  expect(await (await session.files.get("out.txt")).text()).toBe("out\n");
  await session.control("setModel", ["claude-haiku-4-5"]);
  expect((await session.send("What did I say earlier?")).text).toContain("cat in.txt");

  const asking = await sessions.create({ permissionMode: "default", canUseTool: true });
  const asked = read(asking.send(bash("echo approved > approved.txt; cat approved.txt")));
  const request = await until("a request", async () => (await requests.list())[0]);
  await requests.answer(request.id, { behavior: "allow" });
  expect(toolResults(await asked)).toContain("approved");

  const stopped = session.send("%say Begun.\n%wait 60000");
  const reading = read(stopped);
  await until("it runs", async () => (await session.retrieve()).status === "running");
  await session.interrupt();
  expect((await reading).at(-1)).toMatchObject({ status: "interrupted" });

  const fork = await session.fork();
  expect((await fork.send("%say Forked.")).text).toBe("Forked.");
  return session;
}

let idle: Session;
let busy: Session;
let beside: Session;
let running: Promise<EdgeEvent[]>;
const gate = new Gate();

beforeAll(async () => {
  const sessions = (account: string) => edge.client(account).sessions;
  [idle, busy, beside] = await Promise.all([
    sessions("idle").create(options),
    sessions("busy").create(options),
    sessions("busy").create(options),
  ]);
  await Promise.all([idle.send("My boat is called Vega."), beside.send("%say Hello.")]);
  running = read(busy.send(`%tokens 20\n${gate.tool}\n%say Whole.`));
  await gate.reached();
});

test("a client of a newer protocol than the deployment's runs its sessions", async () => {
  expect(await statusOf(edge, "idle")).toMatchObject({
    version: OLD.version,
    protocol: PROTOCOL_VERSION - 1,
    container: { runner_version: OLD.version, protocol: RUNNER_PROTOCOL - 1 },
  });
});

test("sessions run where the image was deployed before the Worker", async () => {
  installVersion(project, "runner", NEW);
  await expectWork(edge.client("ahead"));
  expect(await statusOf(edge, "ahead")).toMatchObject({
    version: OLD.version,
    container: { runner_version: NEW.version, protocol: RUNNER_PROTOCOL },
  });
});

test("once the Worker is deployed, an idle container is replaced at its next turn", async () => {
  installVersion(project, "worker", NEW);
  await edge.stack.restartWorker();
  expect(await statusOf(edge, "idle")).toMatchObject({
    version: NEW.version,
    container: { runner_version: OLD.version },
  });
  expect((await idle.send("What did I say earlier?")).text).toContain("Vega");
  expect(await containerOf("idle")).toMatchObject({ runner_version: NEW.version });
});

test("a busy one runs its turn to the end, and new turns go to another", async () => {
  const before = edge.stack.containers().length;
  expect((await beside.send("%say Elsewhere.")).text).toBe("Elsewhere.");
  expect(edge.stack.containers()).toHaveLength(before + 1);
  expect(await containerOf("busy")).toMatchObject({ runner_version: NEW.version });
  gate.open();
  const events = await running;
  expect(statuses(events)).toEqual(["queued", "running", "completed"]);
  expect(events.at(-1)).toMatchObject({ result: { text: "Whole." } });
  const seqs = events.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
  expect((await busy.send("%say Next.")).text).toBe("Next.");
});

test("sessions run where the image is a version behind the Worker, and its containers stay", async () => {
  installVersion(project, "runner", OLD);
  const session = await expectWork(edge.client("behind"));
  expect(await containerOf("behind")).toMatchObject({
    runner_version: OLD.version,
    protocol: RUNNER_PROTOCOL - 1,
  });
  const pids = () => edge.stack.containers().map(({ pid }) => pid);
  const before = pids();
  await edge.stack.restartWorker();
  expect((await session.send("%say Still here.")).text).toBe("Still here.");
  expect(pids()).toEqual(before);
});
