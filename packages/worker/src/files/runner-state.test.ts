import { beforeEach, expect, test } from "vitest";

import { sessionStorage } from "../../test/support/storage.js";
import { RunnerState } from "./runner-state.js";

let { sql } = sessionStorage();
let state = new RunnerState(sql);
beforeEach(() => {
  ({ sql } = sessionStorage());
  state = new RunnerState(sql);
});

test("a runner has what it was given, and goes on from there; what it has becomes the session's", () => {
  expect(state.get("boot")).toBeUndefined();
  state.set("boot", "a");
  expect(state.get("boot")).toEqual({ root: "a", base: "a", whole: 1 });
  state.advance("boot", "b", "b");
  state.advance("boot", "c", undefined);
  expect(new RunnerState(sql).get("boot")).toEqual({ root: "c", base: "b", whole: 0 });
  state.advance("boot", "d", "e");
  expect(state.get("boot")).toEqual({ root: "d", base: "e", whole: 1 });
  expect(state.roots().toSorted()).toEqual(["d", "e"]);
});

test("one that was given nothing goes on from nothing", () => {
  state.advance("boot", "a", undefined);
  expect(state.get("boot")).toEqual({ root: "a", base: "", whole: 0 });
});

test("there is one runner: another takes its place, and only its own end is its end", () => {
  state.set("old", "a");
  state.set("new", "b");
  expect([state.get("old"), state.get("new")?.root]).toEqual([undefined, "b"]);
  state.drop("old");
  expect(state.get("new")).toBeDefined();
  state.drop("new");
  expect([state.get("new"), state.roots()]).toEqual([undefined, []]);
  state.set("new", "c");
  state.clear();
  expect(state.get("new")).toBeUndefined();
});
