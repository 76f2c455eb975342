import { beforeAll, describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { BASH } from "./support/approvals.js";
import { ended, paste, quit, send, shown, useChat } from "./support/chat.js";
import { CTRL_C, ENTER } from "./support/keys.js";
import { hasTerminal } from "./support/terminal.js";

const { chat, chatProcess, sessions, stack, asking, requests } = useChat("chat-keys");

/** A session that asks: its process is warm. */
let warm: string;
beforeAll(async () => {
  warm = await asking("main");
  await session().send("%say Warm.");
});
const session = () => stack.client("main").sessions.open(warm);
const resume = () => chat("main", ["-r", warm]);
const isRunning = () =>
  until("it runs", async () => (await session().retrieve()).status === "running");
const isIdle = () =>
  until("it is over", async () => (await session().retrieve()).status === "idle");

describe("the keys of claude-edge chat", () => {
  test("Ctrl-C stops the turn, and the chat goes on", async () => {
    const shell = await resume();
    send(shell, "%wait 60000\n%say Never.");
    await isRunning();
    shell.type(CTRL_C);
    await shell.shows("interrupting; press Ctrl-C again to quit");
    await shell.shows("interrupted");
    send(shell, "%say Still here.");
    await shell.shows("Still here.");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    expect(shown(shell)).not.toContain("Never.");
  });

  test("Ctrl-C at a question stops the turn, and the chat goes on", async () => {
    const shell = await resume();
    send(shell, BASH);
    await shell.shows("Deny with a message");
    shell.type(CTRL_C);
    await shell.shows("interrupting");
    await shell.shows("interrupted");
    send(shell, "%say Still here.");
    await shell.shows("Still here.");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    expect(await requests("main", warm)).toMatchObject([{ status: "cancelled" }]);
  });

  test("what is entered while a turn runs is given to it", async () => {
    const { id } = await stack
      .client("main")
      .sessions.create({ permissionMode: "bypassPermissions", tools: ["Bash"] });
    const shell = await chat("main", ["-r", id]);
    send(shell, '%tool Bash {"command":"sleep 0.5"}\n%repeat');
    await shell.shows("sleep 0.5");
    shell.type(`%say Turned.${ENTER}`);
    await shell.shows("given to the turn");
    await shell.shows("Turned.");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    for await (const turn of stack.client("main").sessions.open(id).turns({ limit: 1 })) {
      expect(turn).toMatchObject({ status: "completed", steered_turn_id: expect.any(String) });
    }
  });

  test("what a turn that runs has not seen is the next; what needs no turn is done at once", async () => {
    const shell = await resume();
    send(shell, "%wait 3000\n%say First.");
    await isRunning();
    shell.type(`%say Second.${ENTER}`);
    await shell.shows("given to the turn");
    shell.type(`/usage${ENTER}`);
    await shell.shows("0 turns");
    await shell.shows("First.");
    await ended(shell);
    await shell.shows("› %say Second.");
    await shell.shows("Second.");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
  });

  test("/queue sends a message after the turn, and /now stops the turn for one", async () => {
    const shell = await resume();
    send(shell, "%wait 60000\n%say Never.");
    await isRunning();
    shell.type(`/queue %say Third.${ENTER}`);
    await shell.shows("queued");
    shell.type(`/now %say Second.${ENTER}`);
    await shell.shows("interrupted");
    await shell.shows("Third.");
    await shell.shows("Second.");
    await isIdle();
    expect(await quit(shell)).toBe(0);
    expect(shown(shell)).not.toContain("Never.");
  });

  test("Ctrl-C drops what is queued", async () => {
    const shell = await resume();
    send(shell, "%wait 60000");
    await isRunning();
    shell.type(`%say Unsent.${ENTER}`);
    await shell.shows("given to the turn");
    shell.type(CTRL_C);
    await shell.shows("what was queued is dropped (1)");
    await shell.shows("interrupted");
    await isIdle();
    shell.type(`/usage${ENTER}`);
    await shell.shows("1 turn");
    expect(await quit(shell)).toBe(0);
  });

  test("several lines are one message: pasted, or after a backslash", async () => {
    const shell = await resume();
    shell.type(`Look: ${paste("one\ntwo\r\nthree\u0003")}`);
    await shell.shows("Look: [Pasted #1: 3 lines]");
    shell.type(ENTER);
    await shell.shows("Look: one");
    await shell.shows("two");
    await shell.shows("three");
    await ended(shell);
    shell.type(`four\\${ENTER}five${ENTER}`);
    await ended(shell);
    shell.type(`${paste("six")} seven [Pasted #9: 2 lines]${ENTER}`);
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    const prompts = [];
    for await (const event of session().events({ follow: false })) {
      if (event.kind === "turn" && event.status === "queued") prompts.push(event.prompt);
    }
    expect(prompts.slice(-3)).toEqual([
      "Look: one\ntwo\nthree",
      "four\nfive",
      "six seven [Pasted #9: 2 lines]",
    ]);
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
    const shell = await resume();
    send(shell, "%wait 1000\n%say Later.");
    await isRunning();
    expect(await quit(shell)).toBe(0);
    expect(shown(shell)).toContain("the turn goes on without you");
    await isIdle();
    const ends = [];
    for await (const event of session().events({ follow: false })) {
      if (event.kind === "turn") ends.push(event.status);
    }
    expect(ends.at(-1)).toBe("completed");
  });
});

test.skipIf(!hasTerminal)("in a pseudo-terminal Ctrl-C twice while a turn runs quits", async () => {
  const shell = await chatProcess("main", ["-r", warm]);
  send(shell, "%wait 60000");
  await isRunning();
  shell.type(CTRL_C + CTRL_C);
  expect(await shell.ended).toBe(130);
  expect(shown(shell)).toContain("claude-edge chat -r ");
  await session().interrupt();
  await isIdle();
});
