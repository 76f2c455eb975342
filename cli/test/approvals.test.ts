import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";

import type { RequestResource } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import {
  ASKING,
  BASH,
  COLOUR,
  COMMAND,
  questions,
  SIZES,
  tool,
  useApprovals,
} from "./support/approvals.js";
import { CTRL_C, DOWN, ENTER } from "./support/keys.js";
import { hasTerminal } from "./support/terminal.js";

const { stack, empty, cli, terminal, requests, pending } = useApprovals();

const STREAM = ["--output-format", "stream-json"];

/** What the model is told of its tool calls, out of a stream-json output. */
function toolResults(output: string): unknown[] {
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { type: string; message?: { content: unknown } })
    .filter(({ type }) => type === "user")
    .flatMap(({ message }) => message!.content as { content: unknown }[])
    .map(({ content }) => content);
}

describe.skipIf(!hasTerminal)("claude-edge query in a terminal (by script or python3)", () => {
  test("asks for a tool that needs approval; allowed once, it runs", async () => {
    const shell = terminal("once", ["query", ...ASKING, `%say Look.\n${BASH}`]);
    await shell.shows("Look.");
    await shell.shows("The agent wants to use Bash:");
    await shell.shows(COMMAND);
    await shell.shows("Deny with a message");
    shell.type(ENTER);
    await shell.shows("Done.");
    expect(await shell.ended).toBe(0);
    expect(await requests("once")).toMatchObject([
      { status: "answered", answer: { behavior: "allow" } },
    ]);
    expect((await requests("once"))[0]!.answer).not.toHaveProperty("updatedPermissions");
  });

  test("allowed for the session, the like of it is not asked again", async () => {
    const touch = (name: string) => tool("Bash", { command: `touch ${name}.txt` });
    const prompt = `${touch("one")}%say First.\n${touch("two")}%say Done.`;
    const shell = terminal("session", ["query", ...ASKING, prompt]);
    await shell.shows("Allow for the session: permission mode acceptEdits, Bash(touch one.txt)");
    await shell.shows("Deny with a message");
    shell.type(DOWN + ENTER);
    await shell.shows("Done.");
    expect(await shell.ended).toBe(0);
    const [only, ...others] = await requests("session");
    expect(others).toEqual([]);
    const { updatedPermissions } = only!.answer as {
      updatedPermissions: { destination: string }[];
    };
    expect(updatedPermissions.map(({ destination }) => destination)).toEqual(
      updatedPermissions.map(() => "session"),
    );
  });

  test("denied with a message, the model is told; standard output holds no prompts", async () => {
    const path = join(empty, "denied.jsonl");
    const shell = terminal("deny", ["query", ...ASKING, ...STREAM, BASH], path);
    await shell.shows("Deny with a message");
    shell.type(DOWN + DOWN + DOWN + ENTER);
    await shell.shows("What should the agent be told?");
    shell.type(`Not today.${ENTER}`);
    expect(await shell.ended).toBe(0);
    const output = readFileSync(path, "utf8");
    expect(toolResults(output)).toEqual(["Not today."]);
    for (const line of output.trimEnd().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
  });

  test("what was typed before a prompt chooses nothing", async () => {
    const call = `%wait 1000\n${tool("Bash", { command: COMMAND })}`;
    const prompt = `%say First.\n${call}%say Second.\n${call}%say Done.`;
    const shell = terminal("ahead", ["query", ...ASKING, prompt]);
    for (const text of ["First.", "Second."]) {
      await shell.shows(text);
      shell.type(DOWN + ENTER + DOWN);
      await shell.shows("Deny with a message");
      await pending("ahead");
      shell.type(DOWN + DOWN + ENTER);
    }
    await shell.shows("Done.");
    expect(await shell.ended).toBe(0);
    const denied = { status: "answered", answer: { behavior: "deny" } };
    expect(await requests("ahead")).toMatchObject([denied, denied]);
  });

  test("several at once are asked one after the other", async () => {
    const fetches = ["one", "two"].map((name) =>
      tool("WebFetch", { url: `https://${name}.invalid/`, prompt: "Read it" }),
    );
    const shell = terminal("several", ["query", ...ASKING, `${fetches.join("")}%say Done.`]);
    await shell.shows("one.invalid");
    await shell.shows("Deny with a message");
    shell.type(DOWN + DOWN + ENTER);
    await shell.shows("two.invalid");
    await shell.shows("Deny with a message");
    shell.type(DOWN + DOWN + ENTER);
    await shell.shows("Done.");
    expect(await shell.ended).toBe(0);
  });

  test("a prompt that somebody else answers is withdrawn", async () => {
    const shell = terminal("elsewhere", ["query", ...ASKING, BASH]);
    await shell.shows("Deny with a message");
    const { id } = await pending("elsewhere");
    await stack.client("elsewhere").requests.answer(id, { behavior: "allow" }, { by: "ada" });
    await shell.shows("note: no longer asked: allowed by ada");
    await shell.shows("Done.");
    expect(await shell.ended).toBe(0);
  });

  test("Ctrl-C at a prompt stops the turn", async () => {
    const shell = terminal("interrupt", ["query", ...ASKING, BASH]);
    await shell.shows("Deny with a message");
    shell.type(CTRL_C);
    await shell.shows("interrupting");
    expect(await shell.ended).toBe(130);
    expect(await requests("interrupt")).toMatchObject([{ status: "cancelled" }]);
    // The cursor is back.
    expect(shell.raw().lastIndexOf("\u001b[?25h")).toBeGreaterThan(
      shell.raw().lastIndexOf("\u001b[?25l"),
    );
  });

  test("the agent's questions: a choice, several, words of one's own; its escape sequences do nothing", async () => {
    const path = join(empty, "question.jsonl");
    const colour = { ...COLOUR, header: "\u001b]0;evil\u0007" };
    const prompt = questions(colour, SIZES);
    const shell = terminal("question", ["query", ...STREAM, prompt], path);
    await shell.shows("The agent asks:");
    await shell.shows("Which colour?");
    await shell.shows("Something else");
    shell.type(DOWN + ENTER);
    await shell.shows("Which sizes?");
    await shell.shows("Something else");
    shell.type(` ${DOWN}${DOWN} ${ENTER}`);
    await shell.shows("Your answer");
    shell.type(`XXL${ENTER}`);
    expect(await shell.ended).toBe(0);
    const [told] = toolResults(readFileSync(path, "utf8"));
    expect(told).toContain(`"Which colour?"="Blue"`);
    expect(told).toContain(`"Which sizes?"="S, XXL"`);
    expect(shell.raw()).not.toContain("\u001b]0;");
    expect(shell.raw()).toContain("\\u{1b}]0;evil\\u{7}");
  });

  test("a continued session that was made with approvals is asked about too", async () => {
    const session = await stack
      .client("continued")
      .sessions.create({ permissionMode: "default", canUseTool: true });
    const shell = terminal("continued", ["query", "-c", BASH]);
    await shell.shows("Deny with a message");
    shell.type(ENTER);
    await shell.shows("Done.");
    expect(await shell.ended).toBe(0);
    expect(await requests("continued")).toMatchObject([{ session_id: session.id }]);
  });

  test.each([
    ["--permission-prompts none", ["--permission-prompts", "none", ...STREAM]],
    ["--output-format json", ["--output-format", "json"]],
  ])("%s asks nothing", async (_what, flags) => {
    const account = `unasked-${flags.length}`;
    const shell = terminal(account, ["query", ...ASKING, ...flags, BASH]);
    await shell.shows(`"result":"Done."`);
    expect(await shell.ended).toBe(0);
    expect(await requests(account)).toEqual([]);
  });
});

describe("claude-edge query without a terminal", () => {
  test("what needs approval is denied at once", async () => {
    const { code, stdout } = await cli("denied", ["query", ...ASKING, ...STREAM, BASH]);
    expect(code).toBe(0);
    expect(String(toolResults(stdout))).toContain("needs approval");
    expect(await requests("denied")).toEqual([]);
  });

  test("--permission-prompts host waits for an answer from elsewhere, which is given once", async () => {
    const host = ["--permission-prompts", "host"];
    const asking = cli("host", ["query", ...ASKING, ...host, BASH]);
    const { id } = await pending("host");

    const list = await cli("host", ["requests", "list", "--json"]);
    expect(list.stdout.trimEnd().split("\n")).toHaveLength(1);
    const listed = JSON.parse(list.stdout) as RequestResource;
    expect(listed).toEqual((await requests("host"))[0]);

    const answer = ["requests", "answer", listed.id, "--allow"];
    expect(await cli("host", answer)).toEqual({
      code: 0,
      stdout: "",
      stderr: `allowed: Bash ${COMMAND}\n`,
    });
    expect(await asking).toEqual({
      code: 0,
      stdout: "Done.\n",
      stderr: `waiting for an approval: Bash ${COMMAND}\n  give it: claude-edge requests answer ${id} --allow\n`,
    });
    expect(await requests("host")).toMatchObject([{ answered_by: userInfo().username }]);

    const again = await cli("host", answer);
    expect(again).toMatchObject({ code: 6, stdout: "" });
    expect(again.stderr).toContain(`answered by ${userInfo().username}`);
  });

  test("flags that make no sense are refused", async () => {
    const host = ["query", "hi", "--permission-prompts"];
    expect(await cli("flags", [...host, "yes"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("host, none"),
    });
    expect(await cli("flags", [...host, "host", "-c"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("options are fixed"),
    });
  });
});
