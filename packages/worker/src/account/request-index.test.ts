import { beforeEach, expect, test } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import { RequestIndex } from "./request-index.js";

let index = new RequestIndex(accountStorage().sql);
beforeEach(() => {
  index = new RequestIndex(accountStorage().sql);
  index.set("1", "b", "pending");
  index.set("2", "a", "pending");
  index.set("3", "b", "pending");
  index.set("4", "a", "pending");
});

const ids = (...query: Parameters<RequestIndex["list"]>) =>
  index.list(...query).map(({ id }) => id);

test("requests of all sessions are listed in the order they came, so many and after one of them", () => {
  expect(index.list(undefined, undefined, 2)).toEqual([
    { id: "1", session_id: "b" },
    { id: "2", session_id: "a" },
  ]);
  expect(ids(undefined, "2", 9)).toEqual(["3", "4"]);
  expect(ids(undefined, "4", 9)).toEqual([]);
});

test("they are listed by status; one that is resolved keeps its place", () => {
  index.set("2", "a", "answered");
  index.set("1", "b", "cancelled");
  expect(ids("pending", undefined, 9)).toEqual(["3", "4"]);
  expect(ids("answered", undefined, 9)).toEqual(["2"]);
  expect(ids(undefined, undefined, 9)).toEqual(["1", "2", "3", "4"]);
  // The cursor may have another status by now.
  expect(ids("pending", "1", 9)).toEqual(["3", "4"]);
});

test("one stays with the session that asked first", () => {
  index.set("1", "a", "answered");
  expect(ids("pending", undefined, 9)).toEqual(["1", "2", "3", "4"]);
});

test("those of a session that is removed are gone", () => {
  expect([index.has("3"), index.has("none")]).toEqual([true, false]);
  index.removeAllOf("b");
  expect(index.has("3")).toBe(false);
  expect(ids(undefined, undefined, 9)).toEqual(["2", "4"]);
});
