import { describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { useSessions } from "./support/sessions.js";

const { edge, sessions, cli, made } = useSessions("expire");

const dueIn = async (account: string, id: string) => {
  const { expires_in, expires_at } = await edge.client(account).sessions.retrieve(id);
  return { expires_in, ms: expires_at && Date.parse(expires_at) - Date.now() };
};

describe("claude-edge sessions expire", () => {
  test("gives a session a time, which show tells, and takes it away", async () => {
    const id = await made("main");
    const given = await sessions("main", ["expire", id.slice(0, 8), "12h"]);
    expect(given).toMatchObject({ code: 0, stdout: "" });
    const { expires_in, ms } = await dueIn("main", id);
    expect(expires_in).toBe(12 * 3_600);
    expect(ms).toBeGreaterThan(11 * 3_600_000);
    expect(ms).toBeLessThanOrEqual(12 * 3_600_000);
    const { expires_at } = await edge.client("main").sessions.retrieve(id);
    expect(given.stderr).toBe(`expires: ${id} ${expires_at}\n`);
    expect((await sessions("main", ["show", id])).stdout).toMatch(/^expires +20/m);
    const taken = await sessions("main", ["expire", id, "never"]);
    expect(taken).toEqual({ code: 0, stdout: "", stderr: `expires: ${id} never\n` });
    expect(await dueIn("main", id)).toEqual({});
  });

  test.each(["12", "0d", "1.5h", "soon", ""])("%j is no time", async (time) => {
    const id = await made("main");
    const result = await sessions("main", ["expire", id, time]);
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining("30d, 12h or 45m") });
  });

  test("a new session can have it from its first prompt, one that is there cannot", async () => {
    const args = ["query", "%say Hello.", "--expires", "30d"];
    expect(await cli("new", args)).toMatchObject({ code: 0, stdout: "Hello.\n" });
    for await (const { expires_in } of edge.client("new").sessions.list()) {
      expect(expires_in).toBe(30 * 86_400);
    }
    const again = await cli("new", [...args, "-c"]);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("sessions expire") });
  });

  test("one that is due is gone by itself, from lists too", async () => {
    const { id } = await edge.client("gone").sessions.create({ expiresIn: 1 });
    await until("it is deleted", async () => {
      const answer = await edge.fetch(`/v1/sessions/${id}`, { account: "gone" });
      return answer.status === 404;
    });
    expect(await sessions("gone", ["list", "--json"])).toMatchObject({ code: 0, stdout: "" });
  });
});
