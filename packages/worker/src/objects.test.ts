import { beforeEach, expect, test, vi } from "vitest";

import type { Env } from "./env.js";
import { objectNamed } from "./objects.js";

const LACKS = new TypeError('The RPC receiver does not implement the method "put".');

/** What the next stubs of the object do with a call, and the arguments of all calls. */
let answers: (() => Promise<string>)[] = [];
let calls: unknown[][] = [];
const env = {
  SESSION: {
    getByName: () => {
      const answer = answers.shift()!;
      return {
        put: (...args: unknown[]) => {
          calls.push(args);
          return answer();
        },
      };
    },
  },
} as unknown as Env;

interface Port {
  put(...args: unknown[]): Promise<string>;
}
const object = () => objectNamed<Port>(env, "SESSION", "a/s");
const lacks = () => Promise.reject(LACKS);
const done = () => Promise.resolve("done");

beforeEach(() => {
  [answers, calls] = [[], []];
  vi.stubGlobal("scheduler", { wait: () => Promise.resolve() });
  return () => void vi.unstubAllGlobals();
});

test("a method that the object does not have yet is called again, on a new stub", async () => {
  answers = [lacks, done];
  expect(await object().put(1, [2])).toBe("done");
  expect(calls).toEqual([
    [1, [2]],
    [1, [2]],
  ]);
});

test("a stream is sent once", async () => {
  answers = [lacks, done];
  await expect(object().put("x", ["path", new ReadableStream()])).rejects.toBe(LACKS);
});

test("an object can be handed on by an async function", async () => {
  answers = [done];
  const handOn = async () => Promise.resolve(object());
  expect(await (await handOn()).put()).toBe("done");
});
