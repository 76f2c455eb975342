import { randomUUID } from "node:crypto";

import type { EdgeEvent } from "@claude-edge/client";
import { beforeAll, describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { linesOf, useSessions } from "./support/sessions.js";

const { edge, sessions, talked } = useSessions("events");

let id: string;
beforeAll(async () => {
  id = await talked("main", "%say One.", "%say Two.");
});

describe("claude-edge sessions events", () => {
  test("is an event a line, and ends with what there is", async () => {
    const { code, stdout, stderr } = await sessions("main", ["events", id]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const events = linesOf<EdgeEvent>(stdout);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const turns = events.filter((event) => event.kind === "turn");
    expect(turns.map(({ status, prompt }) => [status, prompt])).toEqual([
      ["queued", "%say One."],
      ["running", undefined],
      ["completed", undefined],
      ["queued", "%say Two."],
      ["running", undefined],
      ["completed", undefined],
    ]);
    const from = async (...flags: string[]) =>
      linesOf<EdgeEvent>((await sessions("main", ["events", id, ...flags])).stdout);
    const after = turns[3]!.seq;
    expect(await from("--after", String(after))).toEqual(events.slice(after));
    expect(await from("--after", String(events.length))).toEqual([]);
    expect(await from("--after", "999999999")).toEqual([]);
    const { turn_id: turn } = turns[0]!;
    const ofTurn = events.filter((event) => event.turn_id === turn && event.seq <= turns[2]!.seq);
    expect(await from("--turn", turn)).toEqual(ofTurn);
    expect(await from("--turn", turn, "--follow")).toEqual(ofTurn);
    expect(await from("--turn", turn, "--follow", "--after", "999999999")).toEqual([]);
    expect(await sessions("main", ["events", id, "--turn", randomUUID()])).toMatchObject({
      code: 5,
      stdout: "",
      stderr: expect.stringContaining("There is no turn"),
    });
  });

  test("a session without events, and a number that is none", async () => {
    const bare = (await edge.client("none").sessions.create()).id;
    expect(await sessions("none", ["events", bare])).toEqual({ code: 0, stdout: "", stderr: "" });
    for (const after of ["-1", "x", "1.5", ""]) {
      const result = await sessions("none", ["events", bare, "--after", after]);
      expect(result).toMatchObject({ code: 2, stdout: "" });
    }
  });

  test("ends without the end of a turn that runs, and waits for it with --turn --follow", async () => {
    const session = edge.client("main").sessions.open(id);
    const after = String((await session.retrieve()).last_seq);
    const turn = session.send("%say Early.\n%wait 3000\n%say Late.");
    for await (const event of turn) if (event.kind === "delta") break;
    const half = await sessions("main", ["events", id, "--after", after]);
    expect(half).toMatchObject({ code: 0, stderr: "" });
    expect(half.stdout).not.toContain("completed");
    const whole = await sessions("main", ["events", id, "--turn", turn.id!, "--follow"]);
    expect(whole).toMatchObject({ code: 0, stderr: "" });
    const events = linesOf<EdgeEvent>(whole.stdout);
    expect(events.at(-1)).toMatchObject({ kind: "turn", status: "completed" });
    const first = events[0]!.seq;
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => first + index));
  });

  test("--follow goes on until Ctrl-C, which leaves whole lines and no message", async () => {
    const controller = new AbortController();
    let isStored = false;
    const following = sessions("main", ["events", id, "-f"], {
      signal: controller.signal,
      onOutput: (stdout) => {
        isStored ||= stdout.includes('"text":"Two."');
        if (stdout.includes('"text":"Three."')) controller.abort();
      },
    });
    await until("what is stored was read", () => isStored);
    await edge.client("main").sessions.open(id).send("%say Three.");
    const { code, stdout, stderr } = await following;
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    const seqs = linesOf<EdgeEvent>(stdout).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  test("--follow ends with an error when the session is deleted", async () => {
    let isAsked = false;
    const { code, stderr } = await sessions("main", ["events", id, "-f"], {
      onOutput: (stdout) => {
        if (isAsked || !stdout.includes('"completed"')) return;
        isAsked = true;
        void edge.client("main").sessions.open(id).delete();
      },
    });
    expect(code).toBe(5);
    expect(stderr).toContain(`No conversation found with session ID: ${id}`);
  });
});
