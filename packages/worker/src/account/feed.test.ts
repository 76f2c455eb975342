import { beforeEach, expect, test } from "vitest";

import {
  account,
  admit,
  CHECK,
  clientOf,
  create,
  kinds,
  listing,
  read,
  tell,
  useDeployment,
} from "../../test/support/feed.js";
import { dayOf } from "../session/model-call-table.js";

beforeEach(() => void useDeployment());

test("the feed tells of sessions, turns, requests, denials and budgets, with ids alone", async () => {
  const reading = read(clientOf().feed(), ({ kind }) => kind === "session.deleted");
  await new Promise(setImmediate);
  create("a");
  tell("a", { kind: "session", resource: listing("a"), storedBytes: 0 });
  admit("1", "a");
  admit("2", "a");
  tell("a", { kind: "session", resource: listing("a", { last_seq: 9 }), storedBytes: 0 });
  tell("a", { kind: "request", id: "r", turn: "1", asks: "permission", status: "pending" });
  tell("a", { kind: "request", id: "h", turn: "1", asks: "hook", status: "pending" });
  tell("a", { kind: "waiting", turn: "1" });
  tell("a", { kind: "request", id: "r", turn: "1", asks: "permission", status: "answered" });
  account().claimTurns("a", ["1"]);
  tell("a", { kind: "denied", turn: "1" });
  tell("a", { kind: "ended", turn: "1", at: 0, status: "completed" });
  tell("a", { kind: "session", resource: listing("a", { title: "New" }), storedBytes: 0 });
  account().removeSession("a");
  const entries = await reading;
  expect(kinds(entries)).toEqual([
    "reset",
    "session.created",
    "turn.running",
    "turn.queued",
    "request.created",
    "turn.waiting",
    "request.resolved",
    "turn.queued",
    "turn.running",
    "network.denied",
    "turn.completed",
    "turn.running",
    "session.changed",
    "session.deleted",
  ]);
  expect(entries[6]).toEqual({
    seq: expect.any(Number),
    at: expect.any(Number),
    kind: "request.resolved",
    session_id: "a",
    turn_id: "1",
    request_id: "r",
    request_kind: "permission",
    status: "answered",
  });
});

test("a budget is told of when it is spent, once", async () => {
  const used = { input_tokens: 60, output_tokens: 0, cache_read_input_tokens: 0 };
  const call = { ...used, cache_creation_input_tokens: 0, cost: 0 };
  await account().updateLimits({ tokens_per_day: 100 });
  const today = dayOf(Date.now());
  for (const id of [1, 2, 2, 3]) tell("a", { kind: "call", id, day: today, used: call });
  create("last");
  const entries = await read(
    clientOf().feed({ after: 0 }),
    ({ kind }) => kind === "session.created",
  );
  expect(kinds(entries)).toEqual(["budget.spent", "session.created"]);
});

test("sessions that are in no list are in no feed, nor a fork before it is whole", async () => {
  account().admitTurn({
    check: CHECK,
    session: "e",
    turn: "1",
    create: "ephemeral",
    maySeeSessions: true,
  });
  tell("e", { kind: "ended", turn: "1", at: 0, status: "completed" });
  account().admitFork(listing("f"));
  create("b");
  tell("f", { kind: "session", resource: listing("f"), storedBytes: 0 });
  const entries = await read(clientOf().feed({ after: 0 }), ({ session_id }) => session_id === "f");
  expect(entries.map(({ kind, session_id }) => [kind, session_id])).toEqual([
    ["session.created", "b"],
    ["session.created", "f"],
  ]);
});

test("a token sees its session, and no more once it is revoked or the account is gone", async () => {
  const { id } = account().createToken({ session_id: "b" });
  const reader = { session: "b", token: { id } };
  const feed = clientOf(reader).feed({ after: 0 });
  create("a");
  create("b");
  const entries = await read(feed, () => true);
  expect(entries.map(({ session_id }) => session_id)).toEqual(["b"]);
  const stream = (account().feed("stream", reader) as ReadableStream<Uint8Array>).getReader();
  await stream.read();
  const end = stream.read();
  await account().revokeToken(id);
  expect(await end).toEqual({ done: true, value: undefined });
});

test("200 streams are open at the most, and one that is left makes room", async () => {
  const open = () => account().feed("stream", {}) as ReadableStream<Uint8Array>;
  const streams = Array.from({ length: 200 }, open);
  expect(open).toThrow(expect.objectContaining({ code: "too_many_readers" }));
  await streams[0]!.cancel();
  open();
});
