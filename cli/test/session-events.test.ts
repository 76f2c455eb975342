import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";

import type { EdgeEvent } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { BIN } from "./support/run.js";
import { linesOf, useSessions } from "./support/sessions.js";

const { edge, empty, envOf, sessions, talked } = useSessions();

describe("claude-edge sessions events", () => {
  test("is an event a line, and ends with what there is", async () => {
    const id = await talked("events", "%say One.", "%say Two.");
    const { code, stdout, stderr } = await sessions("events", ["events", id]);
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
      linesOf<EdgeEvent>((await sessions("events", ["events", id, ...flags])).stdout);
    const after = turns[3]!.seq;
    expect(await from("--after", String(after))).toEqual(events.slice(after));
    expect(await from("--after", String(events.length))).toEqual([]);
    expect(await from("--after", "999999999")).toEqual([]);
    const { turn_id: turn } = turns[0]!;
    const ofTurn = events.filter((event) => event.turn_id === turn && event.seq <= turns[2]!.seq);
    expect(await from("--turn", turn)).toEqual(ofTurn);
    expect(await from("--turn", turn, "--follow")).toEqual(ofTurn);
    expect(await from("--turn", turn, "--follow", "--after", "999999999")).toEqual([]);
    expect(await sessions("events", ["events", id, "--turn", randomUUID()])).toMatchObject({
      code: 5,
      stdout: "",
      stderr: expect.stringContaining("There is no turn"),
    });
  });

  test("a session without events, and a number that is none", async () => {
    const { id } = await edge.client("none").sessions.create();
    expect(await sessions("none", ["events", id])).toEqual({ code: 0, stdout: "", stderr: "" });
    for (const after of ["-1", "x", "1.5", ""]) {
      const result = await sessions("none", ["events", id, "--after", after]);
      expect(result).toMatchObject({ code: 2, stdout: "" });
    }
  });

  test("ends without the end of a turn that runs, and waits for it with --turn --follow", async () => {
    const session = await edge.client("half").sessions.create();
    const turn = session.send("%say Early.\n%wait 3000\n%say Late.");
    for await (const event of turn) if (event.kind === "delta") break;
    const half = await sessions("half", ["events", session.id]);
    expect(half).toMatchObject({ code: 0, stderr: "" });
    expect(half.stdout).not.toContain("completed");
    const whole = await sessions("half", ["events", session.id, "--turn", turn.id!, "--follow"]);
    expect(whole).toMatchObject({ code: 0, stderr: "" });
    const events = linesOf<EdgeEvent>(whole.stdout);
    expect(events.at(-1)).toMatchObject({ kind: "turn", status: "completed" });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  });

  test("--follow goes on until Ctrl-C, which leaves whole lines and no message", async () => {
    const id = await talked("follow", "%say One.");
    let isStopped = false;
    let isStored = false;
    const following = sessions("follow", ["events", id, "-f"], {
      onOutput: (child, stdout) => {
        isStored ||= stdout.includes('"completed"');
        if (isStopped || !stdout.includes('"text":"Two."')) return;
        isStopped = true;
        child.kill("SIGINT");
      },
    });
    await until("what is stored was read", () => isStored);
    await edge.client("follow").sessions.open(id).send("%say Two.");
    const { code, stdout, stderr } = await following;
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    const seqs = linesOf<EdgeEvent>(stdout).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  test("--follow ends with an error when the session is deleted", async () => {
    const id = await talked("gone", "%say One.");
    let isAsked = false;
    const { code, stderr } = await sessions("gone", ["events", id, "-f"], {
      onOutput: (_child, stdout) => {
        if (isAsked || !stdout.includes('"completed"')) return;
        isAsked = true;
        void edge.client("gone").sessions.open(id).delete();
      },
    });
    expect(code).toBe(5);
    expect(stderr).toContain(`There is no session ${id}`);
  });

  test.each([[[]], [["--follow"]]])("%j | head -1 is one line and no error", async (flags) => {
    // More than a pipe holds, so that the reader is gone before all is written.
    const id = await talked("head", "%bytes 300000");
    const command = [process.execPath, BIN, "sessions", "events", id, ...flags].join(" ");
    const shell = spawn("bash", ["-c", `${command} | head -1; echo "\${PIPESTATUS[*]}"`], {
      cwd: empty,
      env: { PATH: process.env.PATH!, HOME: empty, ...envOf("head") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    shell.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    shell.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    await new Promise((resolve) => shell.once("close", resolve));
    const [line, statuses] = stdout.split("\n");
    expect(JSON.parse(line!)).toMatchObject({ seq: 1, prompt: "%bytes 300000" });
    expect({ statuses, stderr }).toEqual({ statuses: "0 0", stderr: "" });
  });
});
