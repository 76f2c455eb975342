import { createServer } from "node:http";

import type { RequestResource } from "@claude-edge/client";
import { PROTOCOL_HEADER } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { BASH, COLOUR, COMMAND, questions, SIZES, useApprovals } from "./support/approvals.js";
import { CTRL_C, ENTER } from "./support/keys.js";
import { hasTerminal } from "./support/terminal.js";

const { stack, cli, terminal, requests, pending } = useApprovals();

describe("claude-edge requests", () => {
  /** A session whose turn waits for an answer. */
  async function waiting(account: string, prompt: string): Promise<RequestResource> {
    const session = await stack
      .client(account)
      .sessions.create({ permissionMode: "default", canUseTool: true });
    session
      .send(prompt)
      .result()
      .catch(() => {});
    return pending(account);
  }

  test("is a table for people", async () => {
    expect(await cli("table", ["requests"])).toEqual({
      code: 0,
      stdout: "",
      stderr: "nothing waits for an answer\n",
    });
    const { id, session_id } = await waiting("table", BASH);
    const { stdout, stderr, code } = await cli("table", ["requests"]);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    const [head, ...rows] = stdout.trimEnd().split("\n");
    expect(head).toMatch(/^ID +KIND +STATUS +AGE +EXPIRES +SESSION +TOOL +ABOUT$/);
    expect(rows).toHaveLength(1);
    const [short, kind, status, age, expires, session, tool, ...about] = rows[0]!.split(/ +/);
    expect([short, kind, status, expires]).toEqual([id.slice(0, 8), "permission", "pending", "6d"]);
    expect(age).toMatch(/^\d+s$/);
    expect([session, tool, about.join(" ")]).toEqual([session_id, "Bash", COMMAND]);

    const listed = async (...flags: string[]) =>
      (await cli("table", ["requests", "list", ...flags])).stdout.split("\n").slice(1, -1);
    expect(await listed("--session", session_id)).toHaveLength(1);
    expect(await listed("--status", "answered")).toEqual([]);
    await cli("table", ["requests", "answer", id, "--deny"]);
    expect(await listed()).toEqual([]);
    expect(await listed("--status", "any")).toMatchObject([
      expect.stringMatching(/ permission +answered +\d+s +- /),
    ]);
  });

  test("lists what programs answer as JSON only, and does not answer it", async () => {
    const turn = stack.client("hooks").query("%say Hooked.", {
      hooks: { UserPromptSubmit: [{ hooks: [() => new Promise(() => {})] }] },
    });
    const outcome = turn.result().catch(() => {});
    const { id } = await pending("hooks");
    expect(await cli("hooks", ["requests"])).toMatchObject({ stdout: "" });
    const { stdout } = await cli("hooks", ["requests", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ id, kind: "hook" });
    expect(await cli("hooks", ["requests", "answer", id, "--allow"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("for the program"),
    });
    await turn.interrupt();
    await outcome;
  });

  test("answer takes the beginning of an id, says who, and prints the request", async () => {
    const { id } = await waiting("prefix", BASH);
    const args = ["requests", "answer", id.slice(0, 8), "--deny", "No.", "--by", "ada", "--json"];
    const { code, stdout, stderr } = await cli("prefix", args);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `denied: Bash ${COMMAND}\n`,
    });
    expect(JSON.parse(stdout)).toMatchObject({
      id,
      status: "answered",
      answer: { behavior: "deny", message: "No." },
      answered_by: "ada",
    });
  });

  test("answer --allow-for-session adds what was suggested, for the session", async () => {
    const { id } = await waiting("for-session", BASH);
    const { stderr } = await cli("for-session", ["requests", "answer", id, "--allow-for-session"]);
    expect(stderr).toBe(`allowed for the session: Bash ${COMMAND}\n`);
    const [request] = await requests("for-session");
    expect(request!.answer).toMatchObject({
      updatedPermissions: expect.arrayContaining([
        expect.objectContaining({ type: "addRules", destination: "session" }),
      ]),
    });
  });

  test("answer --answer answers questions", async () => {
    const one = await waiting("one-question", questions(COLOUR));
    const first = await cli("one-question", ["requests", "answer", one.id, "--answer", "Blue"]);
    expect(first).toMatchObject({ code: 0, stderr: "answered: AskUserQuestion Which colour?\n" });
    expect(await requests("one-question")).toMatchObject([
      { answer: { answers: { "Which colour?": "Blue" } } },
    ]);

    const two = await waiting("two-questions", questions(COLOUR, SIZES));
    const answer = ["requests", "answer", two.id, "--answer", "Which colour?=Red"];
    expect(await cli("two-questions", answer)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`"Which sizes?"`),
    });
    expect(await cli("two-questions", [...answer, "--answer", "S"])).toMatchObject({ code: 2 });
    expect(await cli("two-questions", [...answer, "--answer", "Which sizes?=S, M"])).toMatchObject({
      code: 0,
    });
    expect(await requests("two-questions")).toMatchObject([
      { answer: { answers: { "Which colour?": "Red", "Which sizes?": "S, M" } } },
    ]);
  });

  test("an answer that fits no request, or none, is refused", async () => {
    const answer = (id: string, ...flags: string[]) =>
      cli("misfit", ["requests", "answer", id, ...flags]);
    const unknown = "8051cca7-02dd-4b70-91d7-55c70daa0cda";
    expect(await answer(unknown, "--allow")).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(`There is no request ${unknown}`),
    });
    expect(await answer("8051cca7", "--allow")).toMatchObject({ code: 5 });
    expect(await answer("nope", "--allow")).toMatchObject({ code: 5 });

    const { id } = await waiting("misfit", questions(COLOUR));
    expect(await answer(id)).toMatchObject({ code: 2, stderr: expect.stringContaining("--allow") });
    expect(await answer(id, "--allow", "--deny")).toMatchObject({ code: 2 });
    expect(await answer(id, "--allow")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("It is a question"),
    });
    expect(await answer(id, "--deny")).toMatchObject({ code: 0 });
    expect(await cli("misfit", ["requests", "--status", "yes"])).toMatchObject({ code: 2 });

    const permission = await waiting("misfit-permission", BASH);
    expect(
      await cli("misfit-permission", ["requests", "answer", permission.id, "--answer", "Yes"]),
    ).toMatchObject({ code: 2, stderr: expect.stringContaining("It is a permission") });
  });

  test.skipIf(!hasTerminal)("answer asks in a terminal when it is given none", async () => {
    const { id } = await waiting("terminal", BASH);
    const left = terminal("terminal", ["requests", "answer", id]);
    await left.shows("Deny with a message");
    left.type(CTRL_C);
    expect(await left.ended).toBe(130);
    expect(await requests("terminal")).toMatchObject([{ status: "pending" }]);
    const shell = terminal("terminal", ["requests", "answer", id]);
    await shell.shows("The agent wants to use Bash:");
    await shell.shows("Deny with a message");
    shell.type(ENTER);
    await shell.shows(`allowed: Bash ${COMMAND}`);
    expect(await shell.ended).toBe(0);
    const late = terminal("terminal", ["requests", "answer", id]);
    expect(await late.ended).toBe(6);
  });

  test.skipIf(!hasTerminal)("a stray Enter denies what is not to be approved by one", async () => {
    const request = {
      id: "8051cca7-02dd-4b70-91d7-55c70daa0cda",
      session_id: "s",
      turn_id: "t",
      kind: "permission",
      status: "pending",
      payload: {
        tool_name: "mcp__\u001b[2Jx__y",
        tool_use_id: "u",
        input: { command: "\u009b2J" },
        options: {
          defaultToNo: true,
          suppressAlwaysAllowRule: true,
          suggestions: [{ type: "setMode", mode: "acceptEdits", destination: "session" }],
        },
      },
      created_at: new Date().toISOString(),
    };
    let answered: unknown;
    const server = createServer((incoming, response) => {
      incoming.on(
        "data",
        (data) => (answered = (JSON.parse(String(data)) as { answer: unknown }).answer),
      );
      incoming.once("end", () => {
        response.writeHead(200, { "content-type": "application/json", [PROTOCOL_HEADER]: "1" });
        response.end(JSON.stringify(request));
      });
    }).listen(0, "127.0.0.1");
    const port = await until("a port", () => (server.address() as { port: number } | null)?.port);
    const url = ["--url", `http://127.0.0.1:${port}`];
    const shell = terminal("no", ["requests", "answer", request.id, ...url]);
    await shell.shows(`wants to use mcp__\\u{1b}[2Jx__y:`);
    await shell.shows(`{"command":"\\u{9b}2J"}`);
    await shell.shows("Allow once");
    await shell.shows("navigate");
    shell.type(ENTER);
    expect(await shell.ended).toBe(0);
    server.close();
    expect(answered).toEqual({ behavior: "deny" });
    for (const text of ["\u001b[2J", "\u009b", "for the session"]) {
      expect(shell.raw()).not.toContain(text);
    }
    expect(shell.raw().indexOf("Deny")).toBeLessThan(shell.raw().indexOf("Allow once"));
  });
});
