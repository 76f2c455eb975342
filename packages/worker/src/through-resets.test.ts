import { EdgeError } from "@claude-edge/protocol";
import { beforeEach, expect, test, vi } from "vitest";

import { versionSkew } from "./object-fault.js";
import { throughResets, throughSkew } from "./through-resets.js";

const RESET = Object.assign(new Error("reset"), { durableObjectReset: true });
const LOST = Object.assign(new Error("Network connection lost."), { retryable: true });
const SKEW = new TypeError('The RPC receiver does not implement the method "newest".');
const OVERLOADED = Object.assign(new Error("x"), { retryable: true, overloaded: true });

let now = 0;
let waits = 0;
beforeEach(() => {
  [now, waits] = [0, 0];
  vi.spyOn(Date, "now").mockImplementation(() => now);
  vi.stubGlobal("scheduler", {
    wait: async (ms: number) => {
      await Promise.resolve();
      waits += 1;
      now += ms;
    },
  });
  return () => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  };
});

/** A call that fails with each of these after `ms`, and then succeeds. */
const failing = (failures: Error[], ms = 0) => {
  const left = [...failures];
  return () => {
    now += ms;
    const failure = left.shift();
    return failure ? Promise.reject(failure) : Promise.resolve("done");
  };
};

test("a call whose object was reset is made again", async () => {
  expect(await throughResets(failing([RESET, LOST]))).toBe("done");
  expect(waits).toBe(2);
});

test("for ten seconds at the most", async () => {
  const call = failing(Array.from({ length: 100 }, () => RESET));
  await expect(throughResets(call)).rejects.toBe(RESET);
  expect(now).toBe(10_250);
});

test("a call that lived for long has its ten seconds anew", async () => {
  const call = failing(
    Array.from({ length: 5 }, () => RESET),
    11_000,
  );
  expect(await throughResets(call)).toBe("done");
});

test("so is one whose object is of another version; in either form", async () => {
  expect(await throughSkew(failing([SKEW, versionSkew("newest")]))).toBe("done");
  expect(waits).toBe(2);
});

test("for ten seconds too; then it is said so, and whoever called this caller does not repeat that", async () => {
  const inner = () => throughSkew(failing(Array.from({ length: 100 }, () => SKEW)));
  const error: unknown = await throughSkew(inner).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "version_skew", details: { waited_s: 10 } });
  expect(now).toBe(10_250);
});

test("what may have had its effect is not repeated after a reset", async () => {
  await expect(throughSkew(failing([RESET]))).rejects.toBe(RESET);
});

test.each([
  ["an answer", new EdgeError("session_not_found", "x")],
  ["an object with too much to do", OVERLOADED],
  ["a failure of its own", new TypeError("x")],
])("%s is final", async (_what, failure) => {
  await expect(throughResets(failing([failure]))).rejects.toBe(failure);
  expect(waits).toBe(0);
});
