import { beforeEach, describe, expect, test } from "vitest";

import { TestSession } from "../../test/support/test-session.js";
import type { NewRequest } from "./request-table.js";

let session = new TestSession();
beforeEach(() => {
  session = new TestSession();
  for (const id of ["t", "other"]) session.send({ id });
});

const requests = () => session.store.requests;
const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);

function add(id: string, more: Partial<NewRequest> = {}): void {
  const seq = session.log.emit("t", "request", { request: { id, status: "pending" } });
  const row = { kind: "permission", turn_id: "t", tool_use_id: null, expires_at: null } as const;
  requests().insert({ ...row, id, seq, created_at: 1_000, ...more });
}

function resolve(id: string, status: "answered" | "expired" | "cancelled", rest = {}): void {
  const request = { id, status, ...rest };
  requests().setResolved(id, status, session.log.emit("t", "request.resolved", { request }));
}

describe("the requests of a session", () => {
  test("are listed oldest first, by status, after one of them, and so many", () => {
    for (const id of ["c", "a", "b", "d"]) add(id);
    resolve("a", "answered");
    expect(ids(requests().list(undefined, undefined, 9))).toEqual(["c", "a", "b", "d"]);
    expect(ids(requests().list("pending", undefined, 2))).toEqual(["c", "b"]);
    const { position } = requests().get("a")!;
    expect(ids(requests().list(undefined, position, 9))).toEqual(["b", "d"]);
    expect(ids(requests().list("answered", position, 9))).toEqual([]);
    expect(ids(requests().pending())).toEqual(["c", "b", "d"]);
  });

  test("are there once", () => {
    add("a");
    expect(() => add("a")).toThrow(/UNIQUE/);
    expect(requests().get("none")).toBeUndefined();
  });

  test("of a turn are open until their answer is taken; those that were cancelled are not", () => {
    for (const id of ["a", "b", "c", "d"]) add(id);
    add("theirs", { turn_id: "other" });
    resolve("b", "answered");
    resolve("c", "cancelled");
    resolve("d", "expired");
    expect(ids(requests().openOf("t"))).toEqual(["a", "b", "d"]);
    requests().setDelivered("b");
    expect(ids(requests().openOf("t"))).toEqual(["a", "d"]);
  });

  test("are to be told to the runner while their turn runs", () => {
    for (const id of ["a", "b"]) add(id);
    add("theirs", { turn_id: "other" });
    for (const id of ["a", "b", "theirs"]) resolve(id, "answered");
    requests().setDelivered("b");
    expect(ids(requests().undelivered())).toEqual(["a", "theirs"]);
    session.store.markWaiting("t");
    expect(ids(requests().undelivered())).toEqual(["theirs"]);
  });

  test("expire one after the other; those that are resolved do not", () => {
    expect(requests().nextExpiry()).toBeUndefined();
    add("never");
    add("late", { expires_at: 9_000 });
    add("soon", { expires_at: 5_000 });
    expect(requests().nextExpiry()).toBe(5_000);
    resolve("soon", "answered");
    expect(requests().nextExpiry()).toBe(9_000);
  });

  test("are to callers what was asked, with how it was resolved; to the runner the answer alone", () => {
    add("a");
    const row = () => requests().get("a")!;
    expect(requests().resource(row())).toEqual({ id: "a", status: "pending" });
    expect(requests().answerOf(row())).toEqual({});
    const answer = { behavior: "allow" };
    resolve("a", "answered", { answer, answered_by: "ada" });
    expect(requests().resource(row())).toEqual({
      id: "a",
      status: "answered",
      answer,
      answered_by: "ada",
    });
    expect(requests().answerOf(row())).toEqual({ answer });
    requests().setAnswerKey("a", "key");
    expect(row().answer_key).toBe("key");
  });
});
