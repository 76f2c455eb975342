import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import type { EdgeEvent, Turn } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const edge = useStack({ vars: { CLAUDE_EDGE_MAX_CONCURRENT_TURNS: "2" } });

describe("readers of a session", () => {
  test("get a comment when there is nothing else, so that nothing in between takes them for dead", async () => {
    const session = await edge.client("heartbeat").sessions.create();
    const response = await edge.fetch(`/v1/sessions/${session.id}/events`, {
      account: "heartbeat",
      headers: { accept: "text/event-stream" },
    });
    const reader = response.body!.getReader();
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toBe(":\n\n");
    await reader.cancel();
  });

  test("who do not read do not slow the turn", async () => {
    const client = edge.client("slow");
    const session = await client.sessions.create();
    const { hostname, port } = new URL(edge.stack.url);
    // Ten that ask and never read: what they are owed stays where it is, and is there for who does read.
    const sockets = Array.from({ length: 10 }, () => {
      const socket = connect(Number(port), hostname);
      socket.pause();
      socket.write(
        [
          `GET /v1/sessions/${session.id}/events HTTP/1.1`,
          `host: ${hostname}`,
          `authorization: Bearer ${edge.stack.token}`,
          "x-account-id: slow",
          "accept: text/event-stream",
          "\r\n",
        ].join("\r\n"),
      );
      return socket;
    });
    await sleep(300);
    const { text } = await session.send("%bytes 5000000");
    expect(text.length).toBeGreaterThan(4_900_000);
    for (const socket of sockets) socket.destroy();
    expect((await session.send("%say On.")).text).toBe("On.");
  });

  test("who come back read on where they were, in the middle of a turn", async () => {
    const client = edge.client("back");
    const session = await client.sessions.create();
    const turn = session.send("%tokens 100\n%wait 1500\n%tokens 50");
    const first: number[] = [];
    for await (const event of turn) {
      first.push(event.seq);
      if (first.length === 60) break;
    }
    const rest: number[] = [];
    for await (const event of session.events({ after: first.at(-1)! })) {
      rest.push(event.seq);
      if (event.kind === "turn") break;
    }
    expect([...first, ...rest]).toEqual(
      Array.from({ length: rest.at(-1)! }, (_, index) => index + 1),
    );
  });

  test("who want what there is get that, in the middle of a turn too, and what was asked with it", async () => {
    const session = await edge.client("past").sessions.create();
    const past = async () => {
      const events: EdgeEvent[] = [];
      for await (const event of session.events({ follow: false })) events.push(event);
      return events;
    };
    expect(await past()).toEqual([]);
    const turn = session.send([{ type: "text", text: "%say One.\n%wait 1500\n%say Two." }]);
    for await (const event of turn) if (event.kind === "delta") break;
    const half = await past();
    expect(half[0]).toMatchObject({
      kind: "turn",
      status: "queued",
      prompt: [{ type: "text", text: expect.stringContaining("Two.") }],
    });
    expect(half.some((event) => event.kind === "turn" && event.status === "completed")).toBe(false);
    await session.resume({ turnId: turn.id });
    const whole = await past();
    expect(whole.slice(0, half.length)).toEqual(half);
    expect(whole.map(({ seq }) => seq)).toEqual(whole.map((_, index) => index + 1));
  });
});

describe("the queue of an account", () => {
  test("runs as many turns at a time as it may, and no two of a session", async () => {
    const client = edge.client("two");
    const [a, b] = [await client.sessions.create(), await client.sessions.create()];
    const prompts = [
      [a, "%wait 1500\n%say a1"],
      [a, "%say a2"],
      [b, "%wait 1500\n%say b1"],
    ] as const;
    const open: Turn[] = [];
    const results: Promise<{ text: string }>[] = [];
    for (const [session, prompt] of prompts) {
      const turn = session.send(prompt);
      open.push(turn);
      results.push(turn.result());
      // Requests overtake each other: the next is sent when this one is in the queue.
      await until("it is accepted", () => turn.id);
    }
    const status = async (id: string | undefined, session: string) => {
      if (!id) return undefined;
      const path = `/v1/sessions/${session}/turns/${id}`;
      return ((await (await edge.fetch(path, { account: "two" })).json()) as { status: string })
        .status;
    };
    await until("both sessions run", async () => {
      const [one, three] = [await status(open[0]!.id, a.id), await status(open[2]!.id, b.id)];
      return one === "running" && three === "running";
    });
    expect(await status(open[1]!.id, a.id)).toBe("queued");
    expect((await Promise.all(results)).map(({ text }) => text)).toEqual(["a1", "a2", "b1"]);
  });

  test("is bounded, and says so", async () => {
    const session = await edge.client("full").sessions.create();
    const send = () =>
      edge.fetch(`/v1/sessions/${session.id}/turns`, {
        json: { prompt: "%wait 20000" },
        account: "full",
      });
    const statuses = await Promise.all(
      Array.from({ length: 102 }, async () => (await send()).status),
    );
    expect(statuses.filter((status) => status === 202)).toHaveLength(101);
    const refused = await send();
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ error: { code: "queue_full", retryable: true } });
    expect(await session.interrupt()).toHaveLength(101);
    await until("it is empty", async () => (await session.retrieve()).status === "idle");
  });
});
