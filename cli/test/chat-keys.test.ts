import { describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { ASKING, BASH } from "./support/approvals.js";
import { ended, paste, quit, send, shown, useChat } from "./support/chat.js";
import { CTRL_C, ENTER } from "./support/keys.js";
import { hasTerminal } from "./support/terminal.js";

const { chat, sessions, stack, requests } = useChat();

describe.skipIf(!hasTerminal)("the keys of claude-edge chat", () => {
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
    expect(await quit(shell)).toBe(0);
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
    expect(await quit(shell)).toBe(0);
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
    expect(await quit(shell)).toBe(0);
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
    expect(await quit(shell)).toBe(0);
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
    await shell.shows("1 turn");
    expect(await quit(shell)).toBe(0);
  });

  test("several lines are one message: pasted, or after a backslash", async () => {
    const shell = await chat("lines");
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
});
