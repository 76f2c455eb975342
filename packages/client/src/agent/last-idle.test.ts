import { expect, test } from "vitest";

import { LastIdle } from "./last-idle.js";

const state = (name: string) => ({ type: "system", subtype: "session_state_changed", state: name });
const result = { type: "result" };
const more = () => true;
const none = () => false;

test("idle between turns is left out, with the running after it", () => {
  const idle = new LastIdle<object>();
  const taken = [
    idle.take(state("running"), more),
    idle.take(result, more),
    idle.take(state("idle"), more),
    idle.take(state("running"), none),
    idle.take(state("requires_action"), none),
    idle.take(state("running"), none),
    idle.take(state("idle"), none),
  ];
  const [running, asks, last] = ["running", "requires_action", "idle"].map(state);
  expect(taken).toEqual([running, result, undefined, undefined, asks, running, last]);
  expect(idle.release()).toBeUndefined();
});

test("idle comes in the end when the turns that seemed to come were taken in", () => {
  const idle = new LastIdle<object>();
  expect(idle.take(state("idle"), more)).toBeUndefined();
  expect(idle.release()).toEqual(state("idle"));
  expect(idle.release()).toBeUndefined();
});
