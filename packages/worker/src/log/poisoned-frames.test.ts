import type { EdgeEvent } from "@claude-edge/protocol";
import type { LogEntry } from "@claude-edge/protocol/internal";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { eventually } from "../../test/support/eventually.js";
import type { NewFrame } from "../../test/support/test-container.js";
import { TestSession } from "../../test/support/test-session.js";

const names = (events: EdgeEvent[]) =>
  events.map((event) => (event.kind === "turn" ? event.status : event.kind));

const raise = (when: string) => `CREATE TRIGGER poison BEFORE ${when}
  BEGIN SELECT RAISE(ABORT, 'poisoned'); END`;
const request = (turn: string): NewFrame => ({
  kind: "request",
  turn,
  request: { id: "asked", kind: "hook", payload: { event: "PreToolUse" } },
});

/** Each kind of frame, and what keeps the database from taking it. */
const KINDS: [name: string, trigger: string, frame: (turn: string) => NewFrame][] = [
  [
    "message",
    raise("INSERT ON events WHEN NEW.kind = 'message'"),
    (turn) => ({ kind: "message", turn, message: { type: "assistant" } }),
  ],
  [
    "result, with its usage",
    raise("INSERT ON outbox WHEN instr(NEW.data, '\"usage\"')"),
    (turn) => ({
      kind: "message",
      turn,
      message: { type: "result", model_usage_since_last_result: { m: { inputTokens: 1 } } },
    }),
  ],
  [
    "change of the permission mode",
    raise("UPDATE OF options ON session"),
    (turn) => ({
      kind: "message",
      turn,
      message: { type: "system" },
      mode_change: { from: null, to: "plan" },
    }),
  ],
  [
    "transcript",
    raise("INSERT ON transcripts"),
    (turn) => ({ kind: "transcript", turn, entries: [{ type: "user" }] }),
  ],
  [
    "checkpoint",
    raise("INSERT ON checkpoints"),
    (turn) => ({
      kind: "checkpoint",
      turn,
      reason: "tool",
      number: 1,
      full: true,
      entries: [{ path: "a", type: "directory", mode: 0o755 }],
      skipped: [],
    }),
  ],
  ["request", raise("INSERT ON requests"), request],
  [
    "cancelled request",
    raise(
      "INSERT ON events WHEN instr(NEW.data, 'no longer waits for it') AND instr(NEW.data, 'The agent')",
    ),
    (turn) => ({ kind: "request.cancelled", turn, request: "asked" }),
  ],
  [
    "turn's beginning",
    raise("UPDATE OF start_cursor ON turns"),
    (turn) => ({ kind: "turn", turn, status: "running" }),
  ],
  [
    "turn's end",
    raise("UPDATE OF status ON turns WHEN NEW.status = 'completed'"),
    (turn) => ({ kind: "turn", turn, status: "completed" }),
  ],
  [
    "turn that waits",
    raise("UPDATE OF status ON turns WHEN NEW.status = 'waiting'"),
    (turn) => ({ kind: "turn", turn, status: "waiting" }),
  ],
];

let logged: LogEntry[] = [];
beforeEach(() => {
  logged = captureLog();
});
afterEach(() => void vi.restoreAllMocks());

const messages = () => logged.map(({ message }) => message);
const aside = ({ storage }: TestSession) =>
  storage.sql
    .exec("SELECT boot, cursor, turn_id, kind, error, body FROM poisoned_frames")
    .toArray();

/** A session with a turn that has said so in the runner's log. */
async function running() {
  const session = new TestSession();
  const turn = session.send({ requestId: "req_1" });
  session.running(turn);
  session.say(request(turn));
  await session.follow();
  return { session, turn };
}

const failed = (session: TestSession, turn: string) =>
  eventually(() => expect(session.turn(turn).status).toBe("failed"));

/** The session takes the next prompt: its runner gets what is stored, and its log is read on. */
async function goesOn(session: TestSession) {
  const next = session.queue();
  session.parts.turns.grant(next);
  await eventually(() => expect(session.turn(next).boot).toBe(session.container.boot));
  session.running(next);
  session.message(next, "again");
  session.ended(next);
  await session.applied();
  expect(session.turn(next).status).toBe("completed");
  const calls = session.container.calls.map(({ call }) => call);
  const transcript = calls.indexOf(`PUT /sessions/${session.id}/transcript`);
  expect(transcript).toBeGreaterThan(-1);
  expect(calls.indexOf(`PUT /sessions/${session.id}/turns/${next}`)).toBeGreaterThan(transcript);
}

describe("a frame that cannot be applied", () => {
  test.each(KINDS)("%s: fails its turn after three tries, and that alone", async (...kind) => {
    const [, trigger, frame] = kind;
    const { session, turn } = await running();
    session.storage.sql.exec(trigger);
    const { cursor } = session.runner;
    const poisoned = frame(turn);
    session.say(poisoned, { kind: "message", turn, message: { type: "assistant" } });
    await failed(session, turn);

    expect(session.store.turnResource(turn)?.error).toMatchObject({
      code: "internal",
      details: { request_id: "req_1" },
    });
    expect(aside(session)).toMatchObject([
      { cursor: cursor + 1, turn_id: turn, kind: poisoned.kind, boot: session.container.boot },
    ]);
    const { boot } = session.container;
    const about = { session: session.id, turn, boot, frame: poisoned.kind };
    const ofFrame = logged.filter((entry) => entry.cursor === cursor + 1);
    expect(ofFrame).toMatchObject([
      { ...about, message: "frame not applied", tries: 1 },
      { ...about, message: "frame not applied", tries: 2 },
      { ...about, message: "frame put aside", error: { code: "internal" }, request_id: "req_1" },
    ]);
    expect(logged.filter(({ request_id: id }) => id === "req_1")).toHaveLength(1);
    // However often the frame was tried.
    const ends = logged.filter(({ message }) => message === "turn ended");
    expect(ends).toMatchObject([{ level: "warn", turn, error: { code: "internal" } }]);
    await eventually(() =>
      expect(session.container.calls.map(({ call }) => call)).toContain(
        `POST /sessions/${session.id}/turns/${turn}/interrupt`,
      ),
    );

    session.storage.sql.exec("DROP TRIGGER poison");
    session.say({ kind: "turn", turn, status: "interrupted" });
    await goesOn(session);
    // What its process said after the frame means nothing.
    expect(names(await session.events())).toEqual([
      "queued",
      "running",
      "request",
      "request.resolved",
      "failed",
      "queued",
      "running",
      "message",
      "completed",
    ]);
  });

  test("a piece of a message, which is in no table", async () => {
    const { session, turn } = await running();
    const { emit } = session.log;
    vi.spyOn(session.log, "emit").mockImplementation((id, kind, rest) => {
      if (kind === "delta" && JSON.stringify(rest).includes("poison")) throw new Error("poisoned");
      return emit.call(session.log, id, kind, rest);
    });
    session.delta(turn, "a");
    session.delta(turn, "poison");
    session.delta(turn, "b");
    await failed(session, turn);
    expect(aside(session)).toMatchObject([{ kind: "message", error: "Error: poisoned" }]);
    await goesOn(session);
    expect(names(await session.events()).slice(0, 6)).toEqual([
      "queued",
      "running",
      "request",
      "delta",
      "request.resolved",
      "failed",
    ]);
  });

  test("is applied once it can be, with all around it told once and in order", async () => {
    const { session, turn } = await running();
    session.storage.sql.exec(raise("INSERT ON transcripts"));
    session.delta(turn, "a");
    session.say(
      { kind: "message", turn, message: { type: "assistant" } },
      { kind: "message", turn, message: { type: "stream_event" } },
      { kind: "transcript", turn, entries: [{ type: "user" }] },
      { kind: "message", turn, message: { type: "stream_event" } },
      { kind: "turn", turn, status: "completed" },
    );
    await eventually(() => expect(logged).toContainEqual(expect.objectContaining({ tries: 2 })));
    session.storage.sql.exec("DROP TRIGGER poison");
    await eventually(() => expect(session.turn(turn).status).toBe("completed"));
    const events = await session.events();
    const kinds = ["queued", "running", "request", "delta", "message", "delta", "delta"];
    expect(names(events)).toEqual([...kinds, "request.resolved", "completed"]);
    expect(new Set(events.map(({ seq }) => seq)).size).toBe(events.length);
    expect(session.store.transcripts.lastPosition()).toBe(1);
    expect(session.store.poisoned.failing).toBeUndefined();
    expect(aside(session)).toEqual([]);
  });

  test("is counted over resets of the object, which may come with each try", async () => {
    const { session, turn } = await running();
    session.storage.sql.exec(raise("INSERT ON transcripts"));
    session.say({ kind: "transcript", turn, entries: [{ type: "user" }] });
    for (const tries of [1, 2]) {
      await eventually(() =>
        expect(messages().filter((text) => text === "frame not applied")).toHaveLength(tries),
      );
      session.restart();
      session.parts.resume();
    }
    await failed(session, turn);
    expect(aside(session)).toHaveLength(1);
    expect(messages().filter((text) => text === "frame not applied")).toHaveLength(2);
  });

  test("that is between turns ends none, and the process after it begins from what is stored", async () => {
    const { session, turn } = await running();
    session.ended(turn);
    await session.applied();
    session.storage.sql.exec(raise("INSERT ON transcripts"));
    session.say({ kind: "transcript", turn, entries: [{ type: "user" }] });
    await eventually(() => expect(aside(session)).toHaveLength(1));
    session.storage.sql.exec("DROP TRIGGER poison");
    expect(session.turn(turn).status).toBe("completed");
    await goesOn(session);
  });

  test("does not hold up the session when its turn cannot be ended either", async () => {
    const { session, turn } = await running();
    session.storage.sql.exec(raise("INSERT ON events WHEN NEW.kind IN ('message', 'turn')"));
    session.message(turn, "a");
    await eventually(() =>
      expect(messages()).toContain("turn of a frame that was put aside not ended"),
    );
    session.storage.sql.exec("DROP TRIGGER poison");
    session.say({ kind: "turn", turn, status: "interrupted" });
    await eventually(() => expect(session.turn(turn).status).toBe("interrupted"));
  });

  test("leaves the newest twenty of their kind, each cut short", async () => {
    const { session, turn } = await running();
    const { poisoned } = session.store;
    for (let cursor = 1; cursor <= 25; cursor += 1) {
      const message = { type: "assistant", text: "x".repeat(100_000) };
      const frame = { kind: "message", turn, cursor, message } as const;
      poisoned.add("boot", frame, new Error("y".repeat(100_000)), 0);
    }
    const rows = aside(session) as { cursor: number; body: string; error: string }[];
    expect(rows.map(({ cursor }) => cursor)).toEqual(Array.from({ length: 20 }, (_, n) => n + 6));
    expect([rows[0]!.body.length, rows[0]!.error.length]).toEqual([4_000, 1_000]);
  });
});

test("a runner that still ends the turn is asked again for the next", async () => {
  const { session, turn } = await running();
  session.storage.sql.exec(raise("INSERT ON transcripts"));
  let refusals = 0;
  session.container.answer = (call) => {
    if (!call.endsWith("/transcript") || (refusals += 1) > 2) return {};
    return Response.json({ error: "turn_running", message: "" }, { status: 409 });
  };
  session.say({ kind: "transcript", turn, entries: [{ type: "user" }] });
  await failed(session, turn);
  session.storage.sql.exec("DROP TRIGGER poison");
  await goesOn(session);
  expect(refusals).toBe(3);
});

test("a runner that does not hear that the turn is to stop is told again, three times at most", async () => {
  const { session, turn } = await running();
  session.storage.sql.exec(raise("INSERT ON transcripts"));
  let told = 0;
  session.container.answer = (call) => {
    if (call.endsWith("/interrupt")) told += 1;
    return call.endsWith("/interrupt") ? Response.json({}, { status: 500 }) : {};
  };
  session.say({ kind: "transcript", turn, entries: [{ type: "user" }] });
  await failed(session, turn);
  await eventually(() => expect(told).toBe(3));
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(told).toBe(3);
});

test("the log of a session is not read on for ever after a frame between turns was put aside", async () => {
  const { session, turn } = await running();
  session.ended(turn);
  await session.applied();
  session.storage.sql.exec(raise("INSERT ON transcripts"));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  session.say({ kind: "transcript", turn, entries: [{ type: "user" }] });
  while (aside(session).length === 0) await new Promise(setImmediate);
  while (!session.runnerLog.isFollowing) await new Promise(setImmediate);
  vi.advanceTimersByTime(10_000);
  vi.useRealTimers();
  expect(session.runnerLog.isFollowing).toBe(false);
});
