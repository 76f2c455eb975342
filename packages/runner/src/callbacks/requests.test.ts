import { setImmediate } from "node:timers/promises";

import type { LogFrame, RequestFrame } from "@claude-edge/protocol/runner";
import { describe, expect, test, vi } from "vitest";

import { EventLog } from "../log/event-log.js";
import { Requests } from "./requests.js";

const ALLOW = { answer: { behavior: "allow" } };

function asking() {
  const log = new EventLog("boot", 1_000_000);
  const owner = { id: "s", lastTurn: "t" };
  let heldTooLong = 0;
  const requests = new Requests(owner, log, () => (heldTooLong += 1));
  const frames = () =>
    log
      .read(0)
      .text.split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogFrame);
  /** The ids of what was asked. */
  const ids = () =>
    frames()
      .filter((frame): frame is RequestFrame => frame.kind === "request")
      .map(({ request }) => request.id);
  return { log, owner, requests, frames, ids, heldTooLong: () => heldTooLong };
}

const isPending = async (promise: Promise<unknown>) =>
  (await Promise.race([promise.then(() => "settled"), setImmediate("pending")])) === "pending";

describe("the requests of a session", () => {
  test("are in the log with their turn, after earlier output", async () => {
    const { log, requests, frames, ids } = asking();
    const asked = requests.ask("permission", { tool_name: "Bash" }, { held: true });
    // What the agent had said is still on its way.
    log.append({ kind: "message", turn: "t", message: { type: "assistant" } });
    await setImmediate();
    expect(frames()).toMatchObject([
      { kind: "message" },
      {
        kind: "request",
        turn: "t",
        request: { kind: "permission", payload: { tool_name: "Bash" }, held: true },
      },
    ]);
    expect(requests.answer(ids()[0]!, ALLOW)).toBe(true);
    expect(await asked).toEqual(ALLOW);
  });

  test("have ids of their own that name the session", async () => {
    const { requests, ids } = asking();
    for (let n = 0; n < 2; n += 1) void requests.ask("permission", {});
    await setImmediate();
    expect(new Set(ids()).size).toBe(2);
    for (const id of ids()) expect(id).toMatch(/^[0-9a-f]{16}\.s$/);
  });

  test("are answered once: the first answer counts, and the same told again is as good as taken", async () => {
    const { requests, ids } = asking();
    const asked = requests.ask("permission", {});
    await setImmediate();
    const [id] = ids() as [string];
    expect(requests.answer("unknown", ALLOW)).toBe(false);
    expect(requests.answer(id, ALLOW)).toBe(true);
    expect(requests.answer(id, { answer: { behavior: "deny" } })).toBe(true);
    expect(await asked).toEqual(ALLOW);
    requests.clear();
    expect(requests.answer(id, ALLOW)).toBe(false);
  });

  test("end when the agent no longer waits, and the log says so", async () => {
    const { requests, frames, ids } = asking();
    const controller = new AbortController();
    const asked = requests.ask("hook", {}, { signal: controller.signal });
    await setImmediate();
    controller.abort();
    expect(await asked).toMatchObject({ error: { message: expect.any(String) } });
    expect(frames().at(-1)).toMatchObject({ kind: "request.cancelled", request: ids()[0] });
    const late = await requests.ask("hook", {}, { signal: AbortSignal.abort() });
    expect(late).toMatchObject({ error: {} });
    expect(
      frames()
        .slice(-2)
        .map(({ kind }) => kind),
    ).toEqual(["request", "request.cancelled"]);
  });

  test("stay pending when their process is let go, and nothing is said of them", async () => {
    const { requests, frames, ids } = asking();
    const controller = new AbortController();
    const asked = requests.ask("permission", {}, { signal: controller.signal, holdMs: 1 });
    await setImmediate();
    // Asked, and not yet in the log.
    const late = requests.ask("permission", {});
    requests.drop();
    controller.abort();
    expect(await isPending(asked)).toBe(true);
    expect(await isPending(late)).toBe(true);
    expect(frames()).toHaveLength(1);
    expect(requests.answer(ids()[0]!, ALLOW)).toBe(false);
  });

  test("have the process let go at once when the runner drains, if they can wait without it", async () => {
    const { requests, heldTooLong } = asking();
    void requests.ask("hook", {});
    await setImmediate();
    requests.drain();
    expect(heldTooLong()).toBe(0);
    const waiting = asking();
    void waiting.requests.ask("permission", {}, { holdMs: 60_000 });
    await setImmediate();
    waiting.requests.drain();
    expect(waiting.heldTooLong()).toBe(1);
  });

  test("hold it for two seconds when they come while the runner drains", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { requests, heldTooLong } = asking();
    requests.drain();
    void requests.ask("permission", {}, { holdMs: 60_000 });
    await setImmediate();
    vi.advanceTimersByTime(1_999);
    expect(heldTooLong()).toBe(0);
    vi.advanceTimersByTime(1);
    expect(heldTooLong()).toBe(1);
    vi.useRealTimers();
  });

  test("have the process let go when there is no answer in time; not after one", async () => {
    const { requests, ids, heldTooLong } = asking();
    void requests.ask("permission", {}, { holdMs: 5 });
    void requests.ask("permission", {}, { holdMs: 5 });
    void requests.ask("hook", {});
    await setImmediate();
    requests.answer(ids()[0]!, ALLOW);
    const deadline = Date.now() + 10_000;
    while (heldTooLong() === 0 && Date.now() < deadline) await setImmediate();
    expect(heldTooLong()).toBe(1);
  });
});
