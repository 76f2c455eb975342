import { createServer } from "node:http";

import type { RequestResource } from "@claude-edge/client";
import { PROTOCOL_HEADER } from "@claude-edge/protocol";
import { beforeAll, describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { BASH, COLOUR, COMMAND, questions, SIZES, useApprovals } from "./support/approvals.js";
import { CTRL_C, ENTER } from "./support/keys.js";

const { stack, cli, screen, asking, requests } = useApprovals("requests");

/** One session for all that waits: its process is warm. */
let session: string;
beforeAll(async () => {
  session = await asking("main");
  await stack.client("main").sessions.open(session).send("%say Warm.");
});

/** What the session waits for with a new turn; the one before comes to its end by itself. */
async function waiting(prompt: string): Promise<RequestResource> {
  const before = new Set((await requests("main", session)).map(({ id }) => id));
  stack
    .client("main")
    .sessions.open(session)
    .send(prompt)
    .result()
    .catch(() => {});
  return until("a request", async () =>
    (await requests("main", session)).find(
      ({ id, status }) => status === "pending" && !before.has(id),
    ),
  );
}
const told = async (id: string) =>
  (await requests("main", session)).find((request) => request.id === id)!;

describe("claude-edge requests", () => {
  test("is a table for people", async () => {
    expect(await cli("main", ["requests"])).toEqual({
      code: 0,
      stdout: "",
      stderr: "nothing waits for an answer\n",
    });
    const { id, session_id } = await waiting(BASH);
    const { stdout, stderr, code } = await cli("main", ["requests"]);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    const [head, ...rows] = stdout.trimEnd().split("\n");
    expect(head).toMatch(/^ID +KIND +STATUS +AGE +EXPIRES +SESSION +TOOL +ABOUT$/);
    expect(rows).toHaveLength(1);
    const [short, kind, status, age, expires, of, tool, ...about] = rows[0]!.split(/ +/);
    expect([short, kind, status, expires]).toEqual([id.slice(0, 8), "permission", "pending", "6d"]);
    expect(age).toMatch(/^\d+s$/);
    expect([of, tool, about.join(" ")]).toEqual([session_id, "Bash", COMMAND]);

    const listed = async (...flags: string[]) =>
      (await cli("main", ["requests", "list", ...flags])).stdout.split("\n").slice(1, -1);
    expect(await listed("--session", session_id)).toHaveLength(1);
    expect(await listed("--status", "answered")).toEqual([]);
    await cli("main", ["requests", "answer", id, "--deny"]);
    expect(await listed()).toEqual([]);
    expect(await listed("--status", "any")).toMatchObject([
      expect.stringMatching(/ permission +answered +\d+s +- /),
    ]);
  });

  test("lists what programs answer as JSON only, and does not answer it", async () => {
    const turn = stack.client("main").query("%say Hooked.", {
      hooks: { UserPromptSubmit: [{ hooks: [() => new Promise(() => {})] }] },
    });
    const outcome = turn.result().catch(() => {});
    const { id } = await until("a hook", async () =>
      (await requests("main")).find(({ kind }) => kind === "hook"),
    );
    expect(await cli("main", ["requests"])).toMatchObject({ stdout: "" });
    const { stdout } = await cli("main", ["requests", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ id, kind: "hook" });
    expect(await cli("main", ["requests", "answer", id, "--allow"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("for the program"),
    });
    await turn.interrupt();
    await outcome;
  });

  test("answer takes the beginning of an id, says who, and prints the request", async () => {
    const { id } = await waiting(BASH);
    const args = ["requests", "answer", id.slice(0, 8), "--deny", "No.", "--by", "ada", "--json"];
    const { code, stdout, stderr } = await cli("main", args);
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

  test("answer --answer answers questions", async () => {
    const one = await waiting(questions(COLOUR));
    const first = await cli("main", ["requests", "answer", one.id, "--answer", "Blue"]);
    expect(first).toMatchObject({ code: 0, stderr: "answered: AskUserQuestion Which colour?\n" });
    expect(await told(one.id)).toMatchObject({ answer: { answers: { "Which colour?": "Blue" } } });

    const two = await waiting(questions(COLOUR, SIZES));
    const answer = ["requests", "answer", two.id, "--answer", "Which colour?=Red"];
    expect(await cli("main", answer)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`"Which sizes?"`),
    });
    expect(await cli("main", [...answer, "--answer", "S"])).toMatchObject({ code: 2 });
    expect(await cli("main", [...answer, "--answer", "Which sizes?=S, M"])).toMatchObject({
      code: 0,
    });
    expect(await told(two.id)).toMatchObject({
      answer: { answers: { "Which colour?": "Red", "Which sizes?": "S, M" } },
    });
  });

  test("an answer that fits no request, or none, is refused", async () => {
    const answer = (id: string, ...flags: string[]) =>
      cli("main", ["requests", "answer", id, ...flags]);
    const unknown = "8051cca7-02dd-4b70-91d7-55c70daa0cda";
    expect(await answer(unknown, "--allow")).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(`There is no request ${unknown}`),
    });
    expect(await answer("8051cca7", "--allow")).toMatchObject({ code: 5 });
    expect(await answer("nope", "--allow")).toMatchObject({ code: 5 });

    const { id } = await waiting(questions(COLOUR));
    expect(await answer(id)).toMatchObject({ code: 2, stderr: expect.stringContaining("--allow") });
    expect(await answer(id, "--allow", "--deny")).toMatchObject({ code: 2 });
    expect(await answer(id, "--allow")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("It is a question"),
    });
    expect(await answer(id, "--deny")).toMatchObject({ code: 0 });
    expect(await cli("main", ["requests", "--status", "yes"])).toMatchObject({ code: 2 });

    const permission = await waiting(BASH);
    expect(await answer(permission.id, "--answer", "Yes")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("It is a permission"),
    });
    expect(await answer(permission.id, "--allow-for-account")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--allow-for-account is for hosts"),
    });
    expect(await answer(permission.id, "--deny")).toMatchObject({ code: 0 });
  });

  test("answer asks in a terminal when it is given none", async () => {
    const { id } = await waiting(BASH);
    const left = screen("main", ["requests", "answer", id]);
    await left.shows("Deny with a message");
    left.type(CTRL_C);
    expect(await left.ended).toBe(130);
    expect(await told(id)).toMatchObject({ status: "pending" });
    const shell = screen("main", ["requests", "answer", id]);
    await shell.shows("The agent wants to use Bash:");
    await shell.shows("Deny with a message");
    shell.type(ENTER);
    await shell.shows(`allowed: Bash ${COMMAND}`);
    expect(await shell.ended).toBe(0);
    const late = screen("main", ["requests", "answer", id]);
    expect(await late.ended).toBe(6);
  });

  test("answer --allow-for-session adds what was suggested, for the session", async () => {
    const { id } = await waiting(BASH);
    const { stderr } = await cli("main", ["requests", "answer", id, "--allow-for-session"]);
    expect(stderr).toBe(`allowed for the session: Bash ${COMMAND}\n`);
    expect((await told(id)).answer).toMatchObject({
      updatedPermissions: expect.arrayContaining([
        expect.objectContaining({ type: "addRules", destination: "session" }),
      ]),
    });
  });

  test("a stray Enter denies what is not to be approved by one", async () => {
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
    const shell = screen("main", ["requests", "answer", request.id, ...url]);
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
