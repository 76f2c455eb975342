import { HEARTBEAT_MS } from "@claude-edge/protocol";
import { afterEach, describe, expect, test, vi } from "vitest";

import { eventStream, type EventSource } from "./event-stream.js";
import type { LogHead } from "./log-event.js";

const event = (seq: number): LogHead => ({
  seq,
  turn: "t",
  kind: "message",
  data: `{"n":${seq}}`,
});

/** A source that a test fills. */
class TestSource implements EventSource {
  events: LogHead[] = [];
  reads = 0;
  ended = 0;
  over = Infinity;
  /** Events that are not for this reader. */
  hidden = new Set<number>();
  wakes = new Set<() => void>();

  /** Parts of a large event after its first. */
  parts: string[] = [];

  part(_seq: number, part: number) {
    const text = this.parts[part - 1];
    return text === undefined ? undefined : { text, more: part < this.parts.length };
  }

  read(after: number) {
    this.reads += 1;
    const found = this.events.filter(({ seq }) => seq > after).slice(0, 2);
    return {
      events: found.filter(({ seq }) => !this.hidden.has(seq)),
      position: found.at(-1)?.seq ?? after,
    };
  }

  onAppend(wake: () => void) {
    this.wakes.add(wake);
    return () => this.wakes.delete(wake);
  }

  isOver(after: number) {
    return after >= this.over;
  }

  onEnd() {
    this.ended += 1;
  }

  append(...events: LogHead[]) {
    this.events.push(...events);
    for (const wake of this.wakes) wake();
  }
}

function reading(source: TestSource, after = 0) {
  const reader = eventStream(source, after).getReader();
  const next = async () => {
    const { value, done } = await reader.read();
    return done ? undefined : new TextDecoder().decode(value);
  };
  return { reader, next };
}

const seqs = (text: string | undefined) =>
  [...(text ?? "").matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq));

afterEach(() => {
  vi.useRealTimers();
});

describe("a session's events as SSE", () => {
  test("are what is there, then what comes, then the end", async () => {
    const source = new TestSource();
    source.append(event(1), event(2), event(3));
    const { next } = reading(source);
    expect(await next()).toBe(
      'id: 1\nevent: message\ndata: {"n":1}\n\nid: 2\nevent: message\ndata: {"n":2}\n\n',
    );
    expect(seqs(await next())).toEqual([3]);
    const waiting = next();
    source.append(event(4));
    expect(seqs(await waiting)).toEqual([4]);
    source.over = 4;
    expect(await next()).toBeUndefined();
    expect(source.ended).toBe(1);
    expect(source.wakes.size).toBe(0);
  });

  test("begin behind a seq", async () => {
    const source = new TestSource();
    source.append(event(1), event(2), event(3));
    expect(seqs(await reading(source, 2).next())).toEqual([3]);
  });

  test("are read when their reader does, and not before: one that does not read costs nothing", async () => {
    const source = new TestSource();
    source.append(event(1));
    const { next } = reading(source);
    for (let seq = 2; seq < 1000; seq += 1) source.append(event(seq));
    await Promise.resolve();
    expect(source.reads).toBe(0);
    await next();
    expect(source.reads).toBe(1);
  });

  test("come part by part when one is large, each when it is asked for; the others after it", async () => {
    const source = new TestSource();
    source.parts = ["b", "c"];
    source.append({ ...event(1), data: "a", more: true });
    const { next } = reading(source);
    expect(await next()).toBe("id: 1\nevent: message\ndata: a");
    source.append(event(2));
    expect([await next(), await next()]).toEqual(["b", "c\n\n"]);
    expect(seqs(await next())).toEqual([2]);
  });

  test("end in the middle of one that is no longer there", async () => {
    const source = new TestSource();
    source.append({ ...event(1), data: "a", more: true });
    const { next } = reading(source);
    expect(await next()).toContain("data: a");
    expect(await next()).toBeUndefined();
    expect(source.ended).toBe(1);
  });

  test("pass over what is not for this reader", async () => {
    const source = new TestSource();
    source.hidden = new Set([1, 2, 3]);
    source.append(event(1), event(2), event(3), event(4));
    expect(seqs(await reading(source).next())).toEqual([4]);
    expect(source.reads).toBe(2);
  });

  test("are a comment when there is nothing else, so that nothing in between takes the reader for dead", async () => {
    vi.useFakeTimers();
    const source = new TestSource();
    const { next } = reading(source);
    const first = next();
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(await first).toBe(":\n\n");
    const second = next();
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS - 1);
    source.append(event(1));
    expect(seqs(await second)).toEqual([1]);
    const third = next();
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(await third).toBe(":\n\n");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("end when the reader leaves, in the middle of a wait too", async () => {
    const source = new TestSource();
    const { reader, next } = reading(source);
    const waiting = next();
    await reader.cancel();
    expect(await waiting).toBeUndefined();
    expect(source.ended).toBe(1);
    expect(source.wakes.size).toBe(0);
    const { reads } = source;
    source.append(event(1));
    await Promise.resolve();
    expect(source.reads).toBe(reads);
  });
});
