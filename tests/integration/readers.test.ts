import type { EdgeEvent, Session, Turn } from "@claude-edge/client";
import { beforeAll, describe, expect, test } from "vitest";

import { Gate } from "../support/gate.js";
import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const ACCOUNT = "readers";

const edge = useStack();
const options = { permissionMode: "bypassPermissions" } as const;

/** One session for most tests. */
let session: Session;
beforeAll(async () => {
  session = await edge.client(ACCOUNT).sessions.create(options);
});

describe("readers of a session", () => {
  test("who want what there is get that, in the middle of a turn too, and what was asked with it", async () => {
    const past = async () => {
      const events: EdgeEvent[] = [];
      for await (const event of session.events({ follow: false })) events.push(event);
      return events;
    };
    expect(await past()).toEqual([]);
    const gate = new Gate();
    const text = `%say One.\n${gate.tool}\n%say Two.`;
    const turn = session.send([{ type: "text", text }]);
    for await (const event of turn) if (event.kind === "delta") break;
    const half = await past();
    expect(half[0]).toMatchObject({
      kind: "turn",
      status: "queued",
      prompt: [{ type: "text", text: expect.stringContaining("Two.") }],
    });
    expect(half.some((event) => event.kind === "turn" && event.status === "completed")).toBe(false);
    gate.open();
    await session.resume({ turnId: turn.id });
    const whole = await past();
    expect(whole.slice(0, half.length)).toEqual(half);
    expect(whole.map(({ seq }) => seq)).toEqual(whole.map((_, index) => index + 1));
  });

  test("who come back read on where they were, in the middle of a turn", async () => {
    const { last_seq } = await session.retrieve();
    const gate = new Gate();
    const turn = session.send(`%tokens 100\n${gate.tool}\n%tokens 50`);
    const first: number[] = [];
    for await (const event of turn) {
      first.push(event.seq);
      if (first.length === 60) break;
    }
    const rest: number[] = [];
    for await (const event of session.events({ after: first.at(-1)! })) {
      rest.push(event.seq);
      gate.open();
      if (event.kind === "turn") break;
    }
    const seqs = [...first, ...rest];
    expect(seqs).toEqual(seqs.map((_, index) => last_seq + 1 + index));
  });
});

describe("the queue of an account", () => {
  test("runs as many turns at a time as it may, and no two of a session", async () => {
    await edge.fetch("/v1/limits", {
      method: "PATCH",
      json: { max_concurrent_turns: 2 },
      account: ACCOUNT,
    });
    const [a, b] = [session, await edge.client(ACCOUNT).sessions.create(options)];
    const gate = new Gate();
    const other = new Gate();
    const prompts = [
      [a, `${gate.tool}\n%say a1`],
      [a, "%say a2"],
      [b, `${other.tool}\n%say b1`],
    ] as const;
    const open: Turn[] = [];
    const results: Promise<{ text: string }>[] = [];
    for (const [of, prompt] of prompts) {
      const turn = of.send(prompt);
      open.push(turn);
      results.push(turn.result());
      // Requests overtake each other: the next is sent when this one is in the queue.
      await until("it is accepted", () => turn.id);
    }
    const status = async (id: string | undefined, of: Session) => {
      if (!id) return undefined;
      const path = `/v1/sessions/${of.id}/turns/${id}`;
      return ((await (await edge.fetch(path, { account: ACCOUNT })).json()) as { status: string })
        .status;
    };
    await until("both sessions run", async () => {
      const [one, three] = [await status(open[0]!.id, a), await status(open[2]!.id, b)];
      return one === "running" && three === "running";
    });
    expect(await status(open[1]!.id, a)).toBe("queued");
    gate.open();
    other.open();
    expect((await Promise.all(results)).map(({ text }) => text)).toEqual(["a1", "a2", "b1"]);
  });

  test("is bounded, and says so", async () => {
    const send = () =>
      edge.fetch(`/v1/sessions/${session.id}/turns`, {
        json: { prompt: "%wait 60000" },
        account: ACCOUNT,
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
