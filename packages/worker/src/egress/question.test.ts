import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { likeWorkerd } from "../../test/support/workerd.js";
import { Questions, type NetworkReply } from "./question.js";

likeWorkerd();

const QUESTION = { host: "a.com", port: 443, method: "GET" };
const OTHERWISE = { reason: "deployment" } as const;
const PENDING: NetworkReply = { status: "pending", requests: ["r"] };
const UNANSWERED = { reason: "unanswered", detail: "r" };

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(scheduler, "wait").mockImplementation(
    (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
  );
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Asks, with these replies one after the other; the last is repeated. */
function ask(
  replies: (NetworkReply | Error)[],
  { holdMs = 10_000, questions = new Questions(), question = QUESTION } = {},
) {
  const given: string[][] = [];
  const controller = new AbortController();
  const answer = questions.ask(
    "ada/",
    question,
    (_question, known) => {
      given.push(known);
      const reply = replies.length > 1 ? replies.shift()! : replies[0]!;
      return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
    },
    { holdMs, signal: controller.signal, otherwise: OTHERWISE },
  );
  answer.catch(() => {});
  return { answer, given, leave: () => controller.abort() };
}

test("a request waits until its host is allowed, and is looked after once a second", async () => {
  const { answer, given } = ask([PENDING, PENDING, { status: "allowed" }]);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(given).toEqual([[], ["r"]]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await answer).toBeUndefined();
});

test("it is refused at once when nobody can be asked, or the host was denied", async () => {
  expect(await ask([{ status: "unasked" }]).answer).toBe(OTHERWISE);
  const denied = ask([{ status: "denied", message: "No." }]);
  expect(await denied.answer).toEqual({ reason: "refused", detail: "No." });
});

test("it is refused when nobody has answered in time, with the requests that are open", async () => {
  const { answer } = ask([PENDING]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await answer).toEqual(UNANSWERED);
});

test("it is given up when the program has left", async () => {
  const { answer, given, leave } = ask([PENDING]);
  await vi.advanceTimersByTimeAsync(100);
  leave();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await answer).toEqual(UNANSWERED);
  expect(given).toHaveLength(2);
});

test("a long wait is looked after less often: 500 calls at most", async () => {
  const holdMs = 3_600_000;
  const { answer, given } = ask([PENDING], { holdMs });
  await vi.advanceTimersByTimeAsync(holdMs);
  await answer;
  expect(given.length).toBeLessThanOrEqual(501);
});

test("calls that fail now and then do not end the wait; three in a row do", async () => {
  const broken = new Error("reset");
  const patient = ask([PENDING, broken, broken, PENDING, broken, { status: "allowed" }]);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(await patient.answer).toBeUndefined();
  expect(patient.given.at(-1)).toEqual(["r"]);
  const lost = ask([broken]);
  await vi.advanceTimersByTimeAsync(6_000);
  await expect(lost.answer).rejects.toBe(broken);
});

test("what no policy can name is not asked about", async () => {
  const { answer, given } = ask([PENDING], { question: { ...QUESTION, host: "*.com" } });
  expect(await answer).toBe(OTHERWISE);
  expect(given).toEqual([]);
});

test("50 requests of a container are held at a time; more are asked about and refused", async () => {
  const questions = new Questions();
  const held = Array.from({ length: 50 }, () => ask([PENDING], { questions }));
  const beyond = ask([PENDING], { questions });
  expect(await beyond.answer).toEqual(UNANSWERED);
  expect(beyond.given).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(10_000);
  await Promise.all(held.map(({ answer }) => answer));
  const later = ask([PENDING, { status: "allowed" }], { questions });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await later.answer).toBeUndefined();
});
