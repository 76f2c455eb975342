import { describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { useSessions } from "./support/sessions.js";

const { edge, cli } = useSessions("steer");

const session = () =>
  edge.client("main").sessions.create({ permissionMode: "bypassPermissions", tools: ["Bash"] });

/** An agent that calls a tool again and again. */
const LOOP = '%tool Bash {"command":"sleep 0.2"}\n%repeat';

describe("claude-edge steer", () => {
  test("turns an agent in an endless loop of tools, from another shell", async () => {
    const { id, send } = await session().then((of) => ({ id: of.id, send: of.send.bind(of) }));
    const outcome = send(LOOP).result();
    await until("it runs", async () => {
      const turns = edge.client("main").sessions.open(id).turns();
      for await (const { status } of turns) return status === "running";
      return false;
    });
    const { code, stderr } = await cli("main", ["steer", id.slice(0, 8), "%say Turned."]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^given to the turn that runs: message [0-9a-f-]{36} of session /);
    expect((await outcome).text).toBe("Turned.");
  });

  test("--now stops the turn, --later waits for it, and without a turn the message begins one", async () => {
    const of = await session();
    const begun = await cli("main", ["steer", of.id, "%wait 60000"]);
    expect(begun.stderr).toMatch(/^no turn was running, so it begins one: message/);
    const later = await cli("main", ["steer", of.id, "--later", "%say Later."]);
    expect(later.stderr).toMatch(/^queued: message/);
    const now = await cli("main", ["steer", of.id, "--now", "%say Now."]);
    expect(now.stderr).toMatch(/^the turn that runs is stopped for it: message/);
    const texts = await until("all have ended", async () => {
      const turns = [];
      for await (const turn of of.turns()) turns.push(turn);
      const hasEnded = turns.every(({ ended_at: at }) => at !== undefined);
      return hasEnded && turns.map(({ result, error }) => result?.text ?? error?.message);
    });
    expect(texts).toEqual(["Now.", "Later.", expect.stringContaining("interrupted")]);
  });

  test("is refused without a message, for no session, and with both flags", async () => {
    const { id } = await session();
    expect(await cli("main", ["steer", id, ""])).toMatchObject({ code: 2 });
    expect(await cli("main", ["steer", "00000000-0000-4000-8000-000000000000", "x"])).toMatchObject(
      {
        code: 5,
      },
    );
    expect(await cli("other", ["steer", id, "x"])).toMatchObject({ code: 5 });
    expect(await cli("main", ["steer", id, "x", "--now", "--later"])).toMatchObject({ code: 2 });
  });
});
