import { readFileSync } from "node:fs";
import { join } from "node:path";

import { beforeAll, describe, expect, test } from "vitest";

import { ASKING, BASH, COLOUR, COMMAND, questions, tool } from "./support/approvals.js";
import { ended, quit, send, shown, useChat } from "./support/chat.js";
import { DOWN, ENTER } from "./support/keys.js";
import { hasTerminal } from "./support/terminal.js";

const { chat, chatProcess, sessions, stack, empty, cli, screen, asking, requests, pending } =
  useChat("chat");

/** A session that asks: its process is warm, and what is looked at mostly needs no new one. */
let warm: string;
beforeAll(async () => {
  warm = await asking("warm");
  await stack.client("warm").sessions.open(warm).send("%say Warm.");
});
const resume = (...more: string[]) => chat("warm", ["-r", warm, ...more]);
const allowed = async () =>
  ((await requests("warm", warm)).at(-1)!.answer as { behavior: string }).behavior;

describe.skipIf(!hasTerminal)(
  "claude-edge chat in a pseudo-terminal (by script or python3)",
  () => {
    test("a conversation: the second turn remembers the first; it says how to come back", async () => {
      const shell = await chatProcess("first");
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

    test("standard output that is redirected holds the answers as they were written", async () => {
      const path = join(empty, "answers.md");
      const shell = await chatProcess("warm", ["-r", warm], path);
      send(shell, `%say **One**.\n${tool("Bash", { command: "echo hi" })}%say Two.`);
      await ended(shell);
      send(shell, "%say Three.");
      await ended(shell);
      expect(await quit(shell)).toBe(0);
      expect(readFileSync(path, "utf8")).toBe("**One**.\n\nTwo.\nThree.\n");
      expect(shown(shell)).toContain("● Bash echo hi");
    });
  },
);

describe("claude-edge chat", () => {
  test("nothing is made before the first message, which can be an argument", async () => {
    expect(await quit(await chat("first-lazy"))).toBe(0);
    expect(await sessions("first-lazy")).toEqual([]);
    const shell = await chat("warm", ["%say From an argument.", "--title", "Mine"]);
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    expect((await sessions("warm"))[0]).toMatchObject({ title: "Mine" });
  });

  test("the answer is rendered as it comes, and cannot steer the terminal", async () => {
    const evil = "\u001b]0;evil\u0007";
    const shell = await resume(`%say # Title\n%say ${evil} and **bold** text\n%say - an item`);
    await shell.shows("\\u{1b}]0;evil\\u{7} and bold text");
    await shell.shows("• an item");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    expect(shell.raw()).toContain("\u001b[1mbold\u001b[22m");
    expect(shell.raw()).not.toContain("\u001b]0;");
  });

  test("NO_COLOR: the answer as it was written, fit for a terminal, without colours", async () => {
    const env = { NO_COLOR: "1", CI: "true" };
    const shell = screen(
      "warm",
      ["chat", "-r", warm, "%say # **Title**\n%say \u001b[31mred"],
      undefined,
      env,
    );
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

  test("tools have a line when they begin and one when they end", async () => {
    const shell = await resume();
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
    const shell = await resume();
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
    const shell = await chat("warm", ASKING);
    send(shell, `%wait 500\n${BASH}`);
    await shell.shows("s › ");
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
    const [session] = await sessions("warm");
    expect(await requests("warm", session!.id)).toMatchObject([{ status: "answered" }]);
  });

  test("denied, the model is told; then a question; the next chat asks too", async () => {
    const shell = await resume();
    send(shell, BASH);
    await shell.shows("Deny with a message");
    shell.type(DOWN + DOWN + ENTER);
    await shell.shows("✗ Bash");
    await ended(shell);
    expect(await allowed()).toBe("deny");
    send(shell, questions(COLOUR));
    await shell.shows("Which colour?");
    await shell.shows("Something else");
    shell.type(DOWN + ENTER);
    await shell.shows("✓ AskUserQuestion");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    const again = await resume();
    send(again, BASH);
    await again.shows("Deny with a message");
    again.type(ENTER);
    await again.shows("✓ Bash");
    await ended(again);
    expect(await quit(again)).toBe(0);
    expect(await allowed()).toBe("allow");
  });

  test("somebody else's answer withdraws the question", async () => {
    const shell = await resume();
    send(shell, BASH);
    await shell.shows("Deny with a message");
    const { id } = await pending("warm", warm);
    await stack.client("warm").requests.answer(id, { behavior: "allow" }, { by: "ada" });
    await shell.shows("note: no longer asked: allowed by ada");
    await shell.shows("Done.");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
  });

  test("a turn that fails says why, and the chat goes on", async () => {
    const shell = await resume();
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

describe("claude-edge chat, refused", () => {
  test("needs a terminal", async () => {
    const { code, stdout, stderr } = await cli("none", ["chat", "hi"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("claude-edge query");
  });

  test.each([
    [["--fork-session"], 2, "--fork-session goes with"],
    [["-c", "-r", "x"], 2, "exclude each other"],
    [["-c", "--model", "m"], 2, "Options are for a new session"],
    [["--permission-mode", "yolo"], 2, "is invalid. Allowed choices are"],
    [["-c"], 5, "There is no session to continue."],
    [["-r", "00000000-0000-4000-8000-000000000000"], 5, "error: "],
    [["--url", "http://127.0.0.1:1"], 7, "error: "],
  ])("%j", async (args, code, message) => {
    const shell = screen("refused", ["chat", ...args]);
    await shell.shows(message);
    expect(await shell.ended).toBe(code);
  });
});
