import { randomUUID } from "node:crypto";

import { beforeEach, expect, test } from "vitest";

import { eventually } from "../../test/support/eventually.js";
import { TestDeployment } from "../../test/support/test-deployment.js";
import { file } from "../../test/support/workspace-entries.js";
import { Account } from "../http/account.js";

/**
 * Rows written are what a deployment pays for most, after its containers. Counted as in test/support/storage.ts;
 * `npm run bench` has the platform's own count, through workerd and the Agent SDK.
 */
let deployment = new TestDeployment();
let session = "";
let turn = "";

beforeEach(async () => {
  deployment = new TestDeployment();
  const caller = new Account(deployment.env, "ada");
  session = randomUUID();
  // A session's first rows are not those of a turn.
  await caller.createSession({ id: session });
  const contents = (call: string) => Number(/checkpoints\/(\d+)\/blobs$/.exec(call)?.[1]);
  deployment.container.answer = (call) => {
    const number = contents(call);
    return number > 0 ? new Response(CONTENTS(number).join("")) : {};
  };
});

/** Five files of a checkpoint. */
const CONTENTS = (number: number) => [1, 2, 3, 4, 5].map((n) => `${n} of ${number}`);

/** There are hundreds of pieces to wait for. */
const SOON = { interval: 1, timeout: 10_000 };

const log = () => deployment.container.logOf(session);
const caller = () => new Account(deployment.env, "ada");
const message = () =>
  log().say({ kind: "message", turn, message: { type: "assistant", text: "x" } });
const checkpoint = (number: number) =>
  log().say({
    kind: "checkpoint",
    turn,
    reason: "tool",
    number,
    full: false,
    skipped: [],
    entries: CONTENTS(number).map((content, n) => file(`src/${n}.txt`, content)),
  });

/** The rows of what the runner's log says, each piece by itself, as it comes. */
async function rowsOf(says: (() => void)[]): Promise<number> {
  const before = deployment.rowsWritten;
  for (const say of says) {
    say();
    const { cursor } = log();
    await eventually(() => {
      const query =
        "SELECT max((SELECT max(cursor) FROM events), log_cursor) AS cursor FROM session";
      expect(deployment.rows(`ada/${session}`, query)).toEqual([{ cursor }]);
    }, SOON);
  }
  return deployment.rowsWritten - before;
}

async function begin(): Promise<void> {
  ({
    turn: { id: turn },
  } = await caller().createTurn(session, { prompt: "hello" }));
  log().say({ kind: "turn", turn, status: "running" });
  await eventually(async () =>
    expect(await caller().listEvents(session, 0)).toMatchObject({
      events: [{ status: "queued" }, { status: "running" }],
    }),
  );
}

test("an event is one row, a checkpoint of five files in a folder at most eight", async () => {
  await begin();
  expect(await rowsOf(Array.from({ length: 20 }, () => message))).toBe(20);
  const checkpoints = [1, 2, 3, 4].map((number) => () => checkpoint(number));
  expect(await rowsOf(checkpoints)).toBeLessThanOrEqual(4 * 8);
});

test("a turn of 65 messages, 45 pieces of transcript, 20 checkpoints and 22 model calls is 450 at most", async () => {
  const before = deployment.rowsWritten;
  await begin();
  const transcript = () =>
    log().say({ kind: "transcript", turn, entries: [{ type: "user", uuid: randomUUID() }] });
  const used = {
    input_tokens: 1,
    output_tokens: 1,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
    cost: 1,
  };
  for (let call = 0; call < 22; call += 1) {
    const object = deployment.session(session);
    await object.endModelCall(await object.beginModelCall(), "model", used);
  }
  const says: (() => void)[] = [];
  for (let n = 0; n < 65; n += 1) {
    says.push(message);
    if (n < 45) says.push(transcript);
    if (n < 20) says.push(() => checkpoint(n + 1));
  }
  await rowsOf(says);
  log().say({ kind: "turn", turn, status: "completed" });
  await eventually(async () =>
    expect((await caller().listSessions(undefined, 9)).sessions[0]!.status).toBe("idle"),
  );
  await eventually(() =>
    expect(deployment.rows(`ada/${session}`, "SELECT * FROM outbox")).toEqual([]),
  );
  expect(deployment.rowsWritten - before).toBeLessThanOrEqual(450);
});
