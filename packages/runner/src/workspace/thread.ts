/** The thread for file access. Synchronous calls are 3 to 5 times as fast, but would block the main thread. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";

import { blobsBody, targetBody, type Body } from "./bodies.js";
import { checkpointsFolder, type Answer, type Call, type Calls, type ThreadData } from "./calls.js";
import { failureOf } from "./failure.js";
import type { Paced } from "./read-hashed.js";
import { Workspace } from "./workspace.js";

const { workspaces: folder, state, options } = workerData as ThreadData;
const workspaces = new Map<string, Workspace>();
const bodies = new Map<number, { session: string; body: Body }>();
/** Calls for sessions whose workspace is in the middle of a checkpoint. They come after it, in their order. */
const waiting = new Map<string, Call[]>();
let lastBodyId = 0;

function workspaceOf(session: string): Workspace {
  let workspace = workspaces.get(session);
  if (!workspace) {
    const folders = {
      root: `${folder}/${session}`,
      checkpoints: checkpointsFolder(state, session),
      staging: `${folder}/.staging/${session}`,
    };
    workspace = new Workspace(folders, options);
    workspaces.set(session, workspace);
  }
  return workspace;
}

/** The files of all sessions that may have these contents. */
function sourcesOf(wanted: ReadonlySet<string>): Map<string, string[]> {
  const sources = new Map<string, string[]>();
  for (const workspace of workspaces.values()) workspace.addSources(wanted, sources);
  return sources;
}

/** The calls, some of which pause: those for other sessions are answered in between. */
type PacedCalls = {
  [Name in keyof Calls]: (
    ...args: Parameters<Calls[Name]>
  ) => ReturnType<Calls[Name]> | Paced<ReturnType<Calls[Name]>>;
};

const calls: PacedCalls = {
  checkpoint: (session, number, isFull) => workspaceOf(session).checkpoint(number, isFull),
  locate: (session, number, blobs) => workspaceOf(session).locate(number, blobs),
  release: (session, number) => workspaceOf(session).release(number),
  isComplete: (session) => workspaceOf(session).isComplete,
  forget: (session) => {
    workspaceOf(session).clear();
    workspaces.delete(session);
  },
  open: (session, kind) => {
    const workspace = workspaceOf(session);
    const body = kind === "workspace" ? targetBody(workspace, sourcesOf) : blobsBody(workspace);
    bodies.set(++lastBodyId, { session, body });
    return lastBodyId;
  },
  write: (id, bytes) => bodies.get(id)!.body.write(bytes),
  end: (id) => bodies.get(id)!.body.end(),
  drop: (id) => {
    bodies.get(id)?.body.drop();
    bodies.delete(id);
  },
};

const sessionOf = ({ args: [first] }: Call): string =>
  typeof first === "number" ? (bodies.get(first)?.session ?? "") : (first as string);

function receive(call: Call): void {
  const later = waiting.get(sessionOf(call));
  if (later) later.push(call);
  else void answer(call);
}

async function answer(call: Call): Promise<void> {
  const { id, name, args } = call;
  let reply: Answer;
  try {
    const serve = calls[name] as (...given: unknown[]) => unknown;
    const result = serve(...args);
    reply = { id, result: isPaced(result) ? await runPaced(sessionOf(call), result) : result };
  } catch (error) {
    const { code, message } = failureOf(error);
    reply = { id, error: { code, message } };
  }
  // oxlint-disable-next-line require-post-message-target-origin -- a thread has none
  parentPort!.postMessage(reply);
}

async function runPaced(session: string, work: Paced<unknown>): Promise<unknown> {
  const later: Call[] = [];
  waiting.set(session, later);
  try {
    for (;;) {
      const { done, value } = work.next();
      if (done) return value;
      await nextTurn();
    }
  } finally {
    waiting.delete(session);
    for (const call of later) receive(call);
  }
}

const isPaced = (result: unknown): result is Paced<unknown> =>
  typeof result === "object" && result !== null && "next" in result;

parentPort!.on("message", receive);
