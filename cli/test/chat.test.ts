import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { ASKING, BASH, COLOUR, COMMAND, questions, tool } from "./support/approvals.js";
import { ended, quit, send, shown, useChat } from "./support/chat.js";
import { DOWN, ENTER } from "./support/keys.js";
import { hasTerminal, openTerminal } from "./support/terminal.js";

const { chat, sessions, stack, empty, cli, terminal, requests, pending } = useChat();

describe.skipIf(!hasTerminal)("claude-edge chat (by script or python3)", () => {
  test("a conversation: the second turn remembers the first; it says how to come back", async () => {
    const shell = await chat("first");
    expect(shown(shell)).toContain(stack.stack.url);
    expect(shown(shell)).toContain("new session");
    shell.type(`My cat is called Mia.${ENTER}`);
    await ended(shell);
    shell.type(`And now?${ENTER}`);
    await shell.shows("“My cat is called Mia.”");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    const [session, ...others] = await sessions("first");
    expect(others).toEqual([]);
    expect(session).toMatchObject({ title: "My cat is called Mia." });
    expect(shown(shell)).toContain(`claude-edge chat -r ${session!.id}`);
    // Pasting is as it was.
    expect(shell.raw().lastIndexOf("\u001b[?2004l")).toBeGreaterThan(
      shell.raw().lastIndexOf("\u001b[?2004h"),
    );
  });

  test("nothing is made before the first message, which can be an argument", async () => {
    expect(await quit(await chat("lazy"))).toBe(0);
    expect(await sessions("lazy")).toEqual([]);
    const shell = await chat("lazy", ["%say From an argument.", "--title", "Mine"]);
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    expect(await sessions("lazy")).toMatchObject([{ title: "Mine" }]);
  });

  test("the answer is rendered as it comes, and cannot steer the terminal", async () => {
    const evil = "\u001b]0;evil\u0007";
    const script = `%say # Title\n%say ${evil} and **bold** text\n%say - an item`;
    const shell = await chat("markdown", [script]);
    await shell.shows("\\u{1b}]0;evil\\u{7} and bold text");
    await shell.shows("• an item");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    expect(shell.raw()).toContain("\u001b[1mbold\u001b[22m");
    expect(shell.raw()).not.toContain("\u001b]0;");
  });

  test("standard output that is redirected holds the answers as they were written", async () => {
    const path = join(empty, "answers.md");
    const shell = await chat("redirected", [], path);
    send(shell, `%say **One**.\n${tool("Bash", { command: "echo hi" })}%say Two.`);
    await ended(shell);
    send(shell, "%say Three.");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    expect(readFileSync(path, "utf8")).toBe("**One**.\n\nTwo.\nThree.\n");
    expect(shown(shell)).toContain("● Bash echo hi");
  });

  test("tools have a line when they begin and one when they end", async () => {
    const shell = await chat("tools");
    const missing = tool("Read", { file_path: "missing.txt" });
    send(shell, `${tool("Bash", { command: "echo hi" })}%say Next.\n${missing}%say Done.`);
    await shell.shows("● Bash echo hi");
    await shell.shows("✓ Bash");
    await shell.shows("Next.");
    await shell.shows("● Read missing.txt");
    await shell.shows("✗ Read: ");
    await shell.shows("Done.");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
  });

  test("a subagent's tools are indented below it", async () => {
    const shell = await chat("subagent");
    const inner = tool("Bash", { command: "echo inside" }).trim();
    const input = {
      description: "help out",
      prompt: `${inner}\n%say Helped.`,
      subagent_type: "general-purpose",
      run_in_background: false,
    };
    send(shell, `${tool("Agent", input)}%say Done.`);
    await shell.shows("● Agent help out");
    await shell.shows("  ● Bash echo inside");
    await shell.shows("    ✓ Bash");
    await shell.shows("✓ Agent");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
  });

  test("what needs approval is asked; the line goes on as it was", async () => {
    const shell = await chat("approve", ASKING);
    send(shell, `%wait 500\n${BASH}`);
    await shell.shows("1s");
    shell.type("typed before");
    await shell.shows("The agent wants to use Bash:");
    await shell.shows(COMMAND);
    await shell.shows("Deny with a message");
    shell.type(ENTER);
    await shell.shows("✓ Bash");
    await shell.shows("Done.");
    await ended(shell);
    await shell.shows("typed before");
    shell.type(` and after${ENTER}`);
    await shell.shows("“typed before and after”");
    expect(await quit(shell)).toBe(0);
    expect(await requests("approve")).toMatchObject([{ status: "answered" }]);
  });

  test("denied, the model is told; then a question; the next chat asks too", async () => {
    const shell = await chat("deny", ASKING);
    send(shell, BASH);
    await shell.shows("Deny with a message");
    shell.type(DOWN + DOWN + ENTER);
    await shell.shows("✗ Bash");
    await ended(shell);
    send(shell, questions(COLOUR));
    await shell.shows("Which colour?");
    await shell.shows("Something else");
    shell.type(DOWN + ENTER);
    await shell.shows("✓ AskUserQuestion");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    const again = await chat("deny", ["-c"]);
    send(again, BASH);
    await again.shows("Deny with a message");
    again.type(ENTER);
    await again.shows("✓ Bash");
    await ended(again);
    expect(await quit(again)).toBe(0);
  });

  test("somebody else's answer withdraws the question", async () => {
    const shell = await chat("elsewhere", ASKING);
    send(shell, BASH);
    await shell.shows("Deny with a message");
    const { id } = await pending("elsewhere");
    await stack.client("elsewhere").requests.answer(id, { behavior: "allow" }, { by: "ada" });
    await shell.shows("note: no longer asked: allowed by ada");
    await shell.shows("Done.");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
  });

  test("a turn that fails says why, and the chat goes on", async () => {
    const shell = await chat("error");
    send(shell, "%error 400");
    await shell.shows("error: ");
    send(shell, "%refuse");
    await shell.shows("error: ");
    await shell.shows("fix: Rephrase the prompt.");
    send(shell, "%say Still here.");
    await shell.shows("Still here.");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
  });
});

describe.skipIf(!hasTerminal)("claude-edge chat in a plain terminal", () => {
  test("NO_COLOR: the answer as it was written, fit for a terminal, without colours", async () => {
    const env = {
      CLAUDE_EDGE_URL: stack.stack.url,
      CLAUDE_EDGE_TOKEN: stack.stack.token,
      CLAUDE_EDGE_ACCOUNT: "plain",
      NO_COLOR: "1",
      CI: "true",
    };
    const script = "%say # **Title**\n%say \u001b[31mred";
    const shell = openTerminal(["chat", script], { env, cwd: empty });
    await shell.shows("/help");
    await shell.shows("› ");
    await shell.shows("# **Title**\r\n");
    await shell.shows("\\u{1b}[31mred");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    expect(shell.raw()).not.toContain("\u001b[1m");
    // No spinner.
    expect(shell.raw()).not.toMatch(/\ds ›/);
  });
});

describe("claude-edge chat, refused", () => {
  test("needs a terminal", async () => {
    const { code, stdout, stderr } = await cli("none", ["chat", "hi"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("claude-edge query");
  });

  test.skipIf(!hasTerminal).each([
    [["--fork-session"], 2, "--fork-session goes with"],
    [["-c", "-r", "x"], 2, "exclude each other"],
    [["-c", "--model", "m"], 2, "options are fixed"],
    [["--permission-mode", "yolo"], 2, "is invalid. Allowed choices are"],
    [["-c"], 5, "There is no session to continue."],
    [["-r", "00000000-0000-4000-8000-000000000000"], 5, "error: "],
    [["--url", "http://127.0.0.1:1"], 7, "error: "],
  ])("%j", async (args, code, message) => {
    const shell = terminal("refused", ["chat", ...args]);
    await shell.shows(message);
    expect(await shell.ended).toBe(code);
  });
});
