import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

import type { SessionResource } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import {
  ASKING,
  BASH,
  COLOUR,
  COMMAND,
  CTRL_C,
  DOWN,
  ENTER,
  questions,
  tool,
  useApprovals,
} from "./support/approvals.js";
import { hasTerminal, type Terminal } from "./support/terminal.js";

const { stack, empty, cli, terminal, requests, pending } = useApprovals();

const CTRL_D = "\u0004";

const paste = (text: string) => `\u001b[200~${text.replaceAll("\n", "\r")}\u001b[201~`;

/** Sends a prompt of several lines, which is not echoed: what is looked for is the answer. */
const send = (shell: Terminal, prompt: string) => shell.type(paste(`${prompt}\n`) + ENTER);

/** A turn is over when its figures are there. */
const ended = (shell: Terminal) => shell.shows("tokens in");

const sessions = async (account: string): Promise<SessionResource[]> => {
  const all: SessionResource[] = [];
  for await (const session of stack.client(account).sessions.list()) all.push(session);
  return all;
};

const shown = (shell: Terminal) => stripVTControlCharacters(shell.raw());

async function chat(account: string, args: string[] = [], stdout?: string): Promise<Terminal> {
  const shell = terminal(account, ["chat", ...args], stdout);
  await shell.shows("/help");
  await shell.shows("› ");
  return shell;
}

async function quit(shell: Terminal): Promise<void> {
  shell.type(CTRL_D);
  expect(await shell.ended).toBe(0);
}

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
    await quit(shell);
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
    await quit(await chat("lazy"));
    expect(await sessions("lazy")).toEqual([]);
    const shell = await chat("lazy", ["%say From an argument.", "--title", "Mine"]);
    await ended(shell);
    await quit(shell);
    expect(await sessions("lazy")).toMatchObject([{ title: "Mine" }]);
  });

  test("the answer is rendered as it comes, and cannot steer the terminal", async () => {
    const shell = await chat("markdown");
    send(shell, "%say # Title\n%say \u001b]0;evil\u0007 and **bold** text\n%say - an item");
    await shell.shows("Title");
    await shell.shows("\\u{1b}]0;evil\\u{7} and bold text");
    await shell.shows("• an item");
    await ended(shell);
    await quit(shell);
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
    await quit(shell);
    expect(readFileSync(path, "utf8")).toBe("**One**.\n\nTwo.\nThree.\n");
    expect(shown(shell)).toContain("● Bash echo hi");
  });

  test("tools have a line when they begin and one when they end", async () => {
    const shell = await chat("tools");
    const missing = tool("Read", { file_path: "/nowhere/missing.txt" });
    send(shell, `${tool("Bash", { command: "echo hi" })}%say Next.\n${missing}%say Done.`);
    await shell.shows("● Bash echo hi");
    await shell.shows("✓ Bash");
    await shell.shows("Next.");
    await shell.shows("● Read /nowhere/missing.txt");
    await shell.shows("✗ Read: ");
    await shell.shows("Done.");
    await ended(shell);
    await quit(shell);
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
    await shell.shows("\n  ● Bash echo inside");
    await shell.shows("✓ Bash");
    await shell.shows("✓ Agent");
    await ended(shell);
    await quit(shell);
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
    await quit(shell);
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
    await quit(shell);
    const again = await chat("deny", ["-c"]);
    send(again, BASH);
    await again.shows("Deny with a message");
    again.type(ENTER);
    await again.shows("✓ Bash");
    await ended(again);
    await quit(again);
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
    await quit(shell);
  });

  test("Ctrl-C stops the turn, and the chat goes on", async () => {
    const shell = await chat("interrupt");
    send(shell, "%say Begun.\n%wait 60000\n%say Never.");
    await shell.shows("1s");
    shell.type(CTRL_C);
    await shell.shows("interrupting; press Ctrl-C again to quit");
    await shell.shows("interrupted");
    send(shell, "%say Still here.");
    await shell.shows("Still here.");
    await ended(shell);
    await quit(shell);
    expect(shown(shell)).not.toContain("Never.");
  });

  test("Ctrl-C at a question stops the turn, and the chat goes on", async () => {
    const shell = await chat("interrupt-question", ASKING);
    send(shell, BASH);
    await shell.shows("Deny with a message");
    shell.type(CTRL_C);
    await shell.shows("interrupting");
    await shell.shows("interrupted");
    send(shell, "%say Still here.");
    await shell.shows("Still here.");
    await ended(shell);
    await quit(shell);
    expect(await requests("interrupt-question")).toMatchObject([{ status: "cancelled" }]);
  });

  test("Ctrl-C twice while a turn runs quits", async () => {
    const shell = await chat("twice");
    send(shell, "%wait 60000");
    await shell.shows("1s");
    shell.type(CTRL_C + CTRL_C);
    expect(await shell.ended).toBe(130);
    expect(shown(shell)).toContain("claude-edge chat -r ");
  });

  test("Ctrl-C clears the line; at an empty one twice it quits", async () => {
    const shell = await chat("clear");
    shell.type(`not sent${CTRL_C}`);
    shell.type(`first half\\${ENTER}`);
    await shell.shows("… ");
    shell.type(CTRL_C);
    shell.type(CTRL_C);
    await shell.shows("press Ctrl-C again to quit");
    shell.type(CTRL_C);
    expect(await shell.ended).toBe(130);
    expect(await sessions("clear")).toEqual([]);
  });

  test("Ctrl-D while a turn runs leaves it running", async () => {
    const shell = await chat("leave");
    send(shell, "%wait 3000\n%say Later.");
    await shell.shows("1s");
    await quit(shell);
    expect(shown(shell)).toContain("the turn goes on without you");
    const session = stack.client("leave").sessions.open((await sessions("leave"))[0]!.id);
    await until("the end", async () => (await session.retrieve()).status === "idle");
  });

  test("what is entered while a turn runs is sent after it; what needs no turn is done at once", async () => {
    const shell = await chat("queue");
    send(shell, "%wait 2000\n%say First.");
    await shell.shows("1s");
    shell.type(`%say Second.${ENTER}`);
    await shell.shows("queued");
    shell.type(`/usage${ENTER}`);
    await shell.shows("0 turns");
    await shell.shows("First.");
    await ended(shell);
    await shell.shows("› %say Second.");
    await shell.shows("Second.");
    await ended(shell);
    await quit(shell);
  });

  test("Ctrl-C drops what is queued", async () => {
    const shell = await chat("drop");
    send(shell, "%wait 60000");
    await shell.shows("1s");
    shell.type(`%say Unsent.${ENTER}`);
    await shell.shows("queued");
    shell.type(CTRL_C);
    await shell.shows("what was queued is dropped (1)");
    await shell.shows("interrupted");
    shell.type(`/usage${ENTER}`);
    await shell.shows("0 turns");
    await quit(shell);
  });

  test("several lines are one message: pasted, or after a backslash", async () => {
    const shell = await chat("lines");
    shell.type(`Look: ${paste("one\ntwo\r\nthree\u0003")}`);
    await shell.shows("Look: [Pasted #1: 3 lines]");
    shell.type(ENTER);
    await shell.shows("Look: one\ntwo");
    await shell.shows("three");
    await ended(shell);
    shell.type(`four\\${ENTER}five${ENTER}`);
    await ended(shell);
    shell.type(`${paste("six")} seven [Pasted #9: 2 lines]${ENTER}`);
    await ended(shell);
    await quit(shell);
    const said = stack.stack
      .model!.requests.flatMap(({ body }) => body.messages)
      .map(({ content }) => JSON.stringify(content));
    for (const prompt of [
      "Look: one\ntwo\nthree",
      "four\nfive",
      "six seven [Pasted #9: 2 lines]",
    ]) {
      expect(said.some((content) => content.includes(JSON.stringify(prompt)))).toBe(true);
    }
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
    await quit(shell);
  });

  test("/model and /permissions, before the session and in it", async () => {
    const shell = await chat("model", ["--model", "claude-haiku-4-5"]);
    shell.type(`/model${ENTER}`);
    await shell.shows("model: claude-haiku-4-5");
    shell.type(`/model claude-sonnet-5-5${ENTER}`);
    await shell.shows("model: claude-sonnet-5-5");
    shell.type(`/permissions yolo${ENTER}`);
    await shell.shows("must be one of");
    shell.type(`/permissions plan${ENTER}`);
    await shell.shows("permission mode: plan");
    send(shell, "%say One.");
    await shell.shows("claude-sonnet-5-5 ·");
    expect((await sessions("model"))[0]!.options).toMatchObject({
      model: "claude-sonnet-5-5",
      permissionMode: "plan",
    });
    shell.type(`/model claude-opus-5-5${ENTER}`);
    await shell.shows("model: claude-opus-5-5");
    shell.type(`/permissions default${ENTER}`);
    await shell.shows("permission mode: default");
    send(shell, BASH);
    await shell.shows("Deny with a message");
    shell.type(ENTER);
    await shell.shows("claude-opus-5-5 ·");
    await quit(shell);
  });

  test("/fork, /rename, /new, /resume, /sessions", async () => {
    const shell = await chat("move");
    shell.type(`/fork${ENTER}`);
    await shell.shows("There is no session to branch yet");
    shell.type(`My cat is called Mia.${ENTER}`);
    await ended(shell);
    const [first] = await sessions("move");
    shell.type(`/rename The  cat${ENTER}`);
    await shell.shows("title: The cat");
    shell.type(`/fork${ENTER}`);
    await shell.shows(`a branch of ${first!.id}`);
    shell.type(`And now?${ENTER}`);
    await shell.shows("called Mia.”");
    await ended(shell);
    shell.type(`/new${ENTER}`);
    await shell.shows("begins a new session");
    shell.type(`My dog is called Rex.${ENTER}`);
    await ended(shell);
    expect(await sessions("move")).toHaveLength(3);
    shell.type(`/resume ${first!.id}${ENTER}`);
    await shell.shows(`session ${first!.id} · The cat`);
    shell.type(`/resume 00000000-0000-4000-8000-000000000000${ENTER}`);
    await shell.shows("error: ");
    shell.type(`/resume${ENTER}`);
    await shell.shows("/resume takes the id");
    shell.type(`/sessions${ENTER}`);
    await shell.shows("Go on in");
    await shell.shows("My dog is called Rex.");
    await shell.shows("The cat");
    shell.type(ENTER);
    await shell.shows("Rex.");
    shell.type(`And now?${ENTER}`);
    await shell.shows("called Rex.”");
    await ended(shell);
    shell.type(`/exit${ENTER}`);
    expect(await shell.ended).toBe(0);
  });

  test("-c goes on with the newest session, -r with the one named, --fork-session in a branch", async () => {
    const begun = await stack.client("resume").sessions.create({ title: "Begun elsewhere" });
    await begun.send("My cat is called Mia.");
    const newest = await chat("resume", ["-c"]);
    expect(shown(newest)).toContain(`session ${begun.id.slice(0, 8)} · Begun elsewhere`);
    newest.type(`And now?${ENTER}`);
    await newest.shows("“My cat is called Mia.”");
    await ended(newest);
    await quit(newest);
    const branch = await chat("resume", ["-r", begun.id, "--fork-session"]);
    branch.type(`And here?${ENTER}`);
    await branch.shows("“My cat is called Mia.”");
    await ended(branch);
    await quit(branch);
    expect(await sessions("resume")).toHaveLength(2);
  });

  test("slash commands: the agent's own are sent, unknown ones are not, // sends a slash", async () => {
    const shell = await chat("slash");
    shell.type(`/modle${ENTER}`);
    await shell.shows("Did you mean /model?");
    shell.type(`/nothing-like-it${ENTER}`);
    await shell.shows("There is no command /nothing-like-it. /help lists them.");
    shell.type(`//nothing-like-it${ENTER}`);
    await ended(shell);
    shell.type(`/context${ENTER}`);
    await shell.shows("Context");
    await ended(shell);
    shell.type(`/tmp/x.txt is a path${ENTER}`);
    await shell.shows("“/tmp/x.txt is a path”");
    await ended(shell);
    shell.type(`/help${ENTER}`);
    await shell.shows("/rename <title>");
    await quit(shell);
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
    [["--permission-mode", "yolo"], 2, "must be one of"],
    [["-c"], 5, "There is no session to continue."],
    [["-r", "00000000-0000-4000-8000-000000000000"], 5, "error: "],
    [["--url", "http://127.0.0.1:1"], 7, "error: "],
  ])("%j", async (args, code, message) => {
    const shell = terminal("refused", ["chat", ...args]);
    await shell.shows(message);
    expect(await shell.ended).toBe(code);
  });
});
