import { EdgeError } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { unavailable } from "./failure.js";
import { Patience } from "./patience.js";

const MINUTE = 60_000;
const NO_INSTANCE = unavailable("x", "there is no container instance available at this time");
/** The longest pauses there are: chance adds all that it can. */
const patience = (since?: number) => new Patience(10 * MINUTE, since, () => 1);

describe("what is waited for", () => {
  test.each<[string, unknown, string | undefined]>([
    ["no instance", NO_INSTANCE, "no_instance"],
    [
      "a first deploy",
      unavailable("x", "no container instance that can be provided to this durable object"),
      "provisioning",
    ],
    [
      "too many starts",
      unavailable("x", "you are requesting too many containers per second"),
      "rate_limited",
    ],
    [
      "the same, from an object that it broke",
      new Error("Maximum number of running container instances exceeded"),
      "no_instance",
    ],
    ["a runner without room", new EdgeError("container_full", "x"), "container_full"],
    ["a runner that does not answer", unavailable("x", undefined, "not_listening"), undefined],
    ["a runner that ends", unavailable("x", undefined, "exited"), undefined],
    ["no containers at all", unavailable("x", undefined), undefined],
    ["a broken agent", new EdgeError("agent_start_failed", "x"), undefined],
  ])("%s", (_what, failure, cause) => {
    const pause = patience().pauseAfter(failure, 0);
    expect([pause !== undefined, pause?.told?.cause]).toEqual([cause !== undefined, cause]);
  });

  test("a reset or a broken connection is told of when it has lasted five seconds", () => {
    const waiting = patience();
    const lost = new Error("Durable Object reset because its code was updated.");
    expect(waiting.pauseAfter(lost, 0)).toEqual({ ms: 250 });
    expect(waiting.pauseAfter(lost, 4_999)).toEqual({ ms: 500 });
    const told = { cause: "unreachable", since: 0 };
    expect(waiting.pauseAfter(lost, 5_000)).toEqual({ ms: 1_000, told });
  });

  test("so is an object of another version", () => {
    const skew = new EdgeError("version_skew", "x", { waited_s: 10 });
    expect(patience().pauseAfter(skew, 0)).toEqual({ ms: 250 });
  });

  test("an object with too much to do is given more time", () => {
    const overloaded = Object.assign(new Error("x"), { overloaded: true });
    expect(patience().pauseAfter(overloaded, 0)).toEqual({ ms: 1_000 });
  });

  test("the end of the turn before is never told of", () => {
    const ending = new EdgeError("turn_running", "x");
    const waiting = patience();
    expect(waiting.pauseAfter(ending, 0)).toEqual({ ms: 500 });
    expect(waiting.pauseAfter(ending, MINUTE)).toEqual({ ms: 1_000 });
  });
});

describe("pauses", () => {
  const pausesOf = (random: number) => {
    const waiting = new Patience(10 * MINUTE, undefined, () => random);
    return Array.from({ length: 7 }, () => waiting.pauseAfter(NO_INSTANCE, 0)!.ms / 1_000);
  };

  test("double up to 20 s, and half of each is left to chance", () => {
    expect(pausesOf(1)).toEqual([1, 2, 4, 8, 16, 20, 20]);
    expect(pausesOf(0)).toEqual([0.5, 1, 2, 4, 8, 10, 10]);
  });

  test("are not shorter than what is asked for", () => {
    const full = (seconds: number) =>
      new EdgeError("container_full", "x", { retry_after_s: seconds });
    const waiting = new Patience(10 * MINUTE, undefined, () => 0);
    expect(waiting.pauseAfter(full(30), 0)?.ms).toBe(30_000);
    expect(patience().pauseAfter(full(30), 0)?.ms).toBe(37_500);
    expect(patience().pauseAfter(full(0), 0)?.ms).toBe(1_000);
  });

  test("end with patience, which counts from the first failure; the last attempt is at its end", () => {
    const waiting = patience();
    waiting.pauseAfter(NO_INSTANCE, 0);
    expect(waiting.pauseAfter(NO_INSTANCE, 10 * MINUTE - 300)?.ms).toBe(300);
    expect(waiting.pauseAfter(NO_INSTANCE, 10 * MINUTE)).toBeUndefined();
  });

  test("go on after a restart, from the same first failure", () => {
    const waiting = patience(1_000);
    const told = { cause: "no_instance", since: 1_000 };
    expect(waiting.pauseAfter(NO_INSTANCE, 9 * MINUTE)).toEqual({ ms: 1_000, told });
    expect(waiting.pauseAfter(NO_INSTANCE, 10 * MINUTE + 1_000)).toBeUndefined();
  });
});
