import { readFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import { join } from "node:path";

import type { RequestResource } from "@claude-edge/client";
import { beforeAll, describe, expect, test } from "vitest";

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

const { envOf, stack, empty, cli, screen, terminal, asking, requests, pending } =
  useApprovals("approvals");

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

/** One account, and one session of it that asks: its process is warm. */
const ACCOUNT = "main";
let warm: string;
beforeAll(async () => {
  warm = await asking(ACCOUNT);
  await stack.client(ACCOUNT).sessions.open(warm).send("%say Warm.");
});
const resume = (args: string[], stdout?: string) =>
  screen(ACCOUNT, ["query", "-r", warm, ...args], stdout);
/** The newest request of a session. */
const last = async (session = warm) => (await requests(ACCOUNT, session)).at(-1)!;
/** A new session's id, and the flag for it. */
const fresh = () => {
  const id = randomUUID();
  return { id, flags: ["--session-id", id, ...ASKING] };
};

describe("claude-edge query in a terminal", () => {
  test("asks for a tool that needs approval; allowed once, it runs", async () => {
    const { id, flags } = fresh();
    const shell = screen(ACCOUNT, ["query", ...flags, `%say Look.\n${BASH}`]);
    await shell.shows("Look.");
    await shell.shows("The agent wants to use Bash:");
    await shell.shows(COMMAND);
    await shell.shows("Deny with a message");
    shell.type(ENTER);
    await shell.shows("Done.");
    expect(await shell.ended).toBe(0);
    expect(await requests(ACCOUNT, id)).toMatchObject([
      { status: "answered", answer: { behavior: "allow" } },
    ]);
    expect((await last(id)).answer).not.toHaveProperty("updatedPermissions");
  });

  test("allowed for the session, the like of it is not asked again", async () => {
    const { id, flags } = fresh();
    const touch = (name: string) => tool("Bash", { command: `touch ${name}.txt` });
    const prompt = `${touch("one")}%say First.\n${touch("two")}%say Done.`;
    const shell = screen(ACCOUNT, ["query", ...flags, prompt]);
    await shell.shows("Allow for the session: permission mode acceptEdits, Bash(touch one.txt)");
    await shell.shows("Deny with a message");
    shell.type(DOWN + ENTER);
    await shell.shows("Done.");
    expect(await shell.ended).toBe(0);
    const [only, ...others] = await requests(ACCOUNT, id);
    expect(others).toEqual([]);
    const { updatedPermissions } = only!.answer as {
      updatedPermissions: { destination: string }[];
    };
    expect(updatedPermissions.map(({ destination }) => destination)).toEqual(
      updatedPermissions.map(() => "session"),
    );
  });

  test("a session that was made with approvals is asked about when it is continued", async () => {
    const shell = resume([BASH]);
    await shell.shows("Deny with a message");
    shell.type(ENTER);
    await shell.shows("Done.");
    expect(await shell.ended).toBe(0);
    expect(await last()).toMatchObject({ session_id: warm, answer: { behavior: "allow" } });
  });

  test("denied with a message, the model is told; standard output holds no prompts", async () => {
    const path = join(empty, "denied.jsonl");
    const shell = resume([...STREAM, BASH], path);
    await shell.shows("Deny with a message");
    shell.type(DOWN + DOWN + DOWN + ENTER);
    await shell.shows("What should the agent be told?");
    shell.type(`Not today.${ENTER}`);
    expect(await shell.ended).toBe(0);
    const output = readFileSync(path, "utf8");
    expect(toolResults(output)).toEqual(["Not today."]);
    for (const line of output.trimEnd().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
  });

  test("several at once are asked one after the other", async () => {
    const fetches = ["one", "two"].map((name) =>
      tool("WebFetch", { url: `https://${name}.invalid/`, prompt: "Read it" }),
    );
    const shell = resume([`${fetches.join("")}%say Done.`]);
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
    const shell = resume([BASH]);
    await shell.shows("Deny with a message");
    const { id } = await pending(ACCOUNT, warm);
    await stack.client(ACCOUNT).requests.answer(id, { behavior: "allow" }, { by: "ada" });
    await shell.shows("note: no longer asked: allowed by ada");
    await shell.shows("Done.");
    expect(await shell.ended).toBe(0);
  });

  test("the agent's questions: a choice, several, words of one's own; its escape sequences do nothing", async () => {
    const path = join(empty, "question.jsonl");
    const colour = { ...COLOUR, header: "\u001b]0;evil\u0007" };
    const shell = resume([...STREAM, questions(colour, SIZES)], path);
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

  test.each([
    ["--permission-prompts none", ["--permission-prompts", "none", ...STREAM]],
    ["--output-format json", ["--output-format", "json"]],
  ])("%s asks nothing", async (_what, given) => {
    const { id, flags } = fresh();
    const shell = screen(ACCOUNT, ["query", ...flags, ...given, BASH]);
    await shell.shows(`"result":"Done."`);
    expect(await shell.ended).toBe(0);
    expect(await requests(ACCOUNT, id)).toEqual([]);
  });
});

describe.skipIf(!hasTerminal)(
  "claude-edge query in a pseudo-terminal (by script or python3)",
  () => {
    test("what was typed before a prompt chooses nothing", async () => {
      const call = `%wait 1000\n${tool("Bash", { command: COMMAND })}`;
      const prompt = `%say First.\n${call}%say Second.\n${call}%say Done.`;
      const shell = terminal(ACCOUNT, ["query", "-r", warm, prompt]);
      for (const text of ["First.", "Second."]) {
        await shell.shows(text);
        shell.type(DOWN + ENTER + DOWN);
        await shell.shows("Deny with a message");
        await pending(ACCOUNT, warm);
        shell.type(DOWN + DOWN + ENTER);
      }
      await shell.shows("Done.");
      expect(await shell.ended).toBe(0);
      const denied = { status: "answered", answer: { behavior: "deny" } };
      expect((await requests(ACCOUNT, warm)).slice(-2)).toMatchObject([denied, denied]);
    });

    test("Ctrl-C at a prompt stops the turn", async () => {
      const shell = terminal(ACCOUNT, ["query", "-r", warm, BASH]);
      await shell.shows("Deny with a message");
      shell.type(CTRL_C);
      await shell.shows("interrupting");
      expect(await shell.ended).toBe(130);
      expect(await last()).toMatchObject({ status: "cancelled" });
      // The cursor is back.
      expect(shell.raw().lastIndexOf("\u001b[?25h")).toBeGreaterThan(
        shell.raw().lastIndexOf("\u001b[?25l"),
      );
    });
  },
);

describe("claude-edge query without a terminal", () => {
  test("what needs approval is denied at once", async () => {
    const { id, flags } = fresh();
    const { code, stdout } = await cli(ACCOUNT, ["query", ...flags, ...STREAM, BASH]);
    expect(code).toBe(0);
    expect(String(toolResults(stdout))).toContain("needs approval");
    expect(await requests(ACCOUNT, id)).toEqual([]);
  });

  test("--permission-prompts host waits for an answer from elsewhere, which is given once", async () => {
    const { id: session, flags } = fresh();
    const host = ["--permission-prompts", "host"];
    const account = ["--account", envOf(ACCOUNT).CLAUDE_EDGE_ACCOUNT!];
    const waiting = cli("another", ["query", ...account, ...flags, ...host, BASH]);
    const { id } = await pending(ACCOUNT, session);

    const list = await cli(ACCOUNT, ["requests", "list", "--session", session, "--json"]);
    expect(list.stdout.trimEnd().split("\n")).toHaveLength(1);
    const listed = JSON.parse(list.stdout) as RequestResource;
    expect(listed).toEqual(await last(session));

    const answer = ["requests", "answer", listed.id, "--allow"];
    expect(await cli(ACCOUNT, answer)).toEqual({
      code: 0,
      stdout: "",
      stderr: `allowed: Bash ${COMMAND}\n`,
    });
    expect(await waiting).toEqual({
      code: 0,
      stdout: "Done.\n",
      stderr: `waiting for an approval: Bash ${COMMAND}\n  give it: claude-edge requests answer ${id} --allow ${account.join(" ")}\n`,
    });
    expect(await last(session)).toMatchObject({ answered_by: userInfo().username });

    const again = await cli(ACCOUNT, answer);
    expect(again).toMatchObject({ code: 6, stdout: "" });
    expect(again.stderr).toContain(`answered by ${userInfo().username}`);
  });

  test("flags that make no sense are refused", async () => {
    const host = ["query", "hi", "--permission-prompts"];
    expect(await cli(ACCOUNT, [...host, "yes"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("host, none"),
    });
    expect(await cli(ACCOUNT, [...host, "host", "-c"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Options are for a new session"),
    });
  });
});
