import { beforeAll, describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { ended, quit, send, useChat } from "./support/chat.js";
import { breakableProxy } from "./support/proxy.js";

const { chat, sessions, stack } = useChat("chat-connection");

beforeAll(async () => void (await stack.client("main").sessions.create()));

describe("claude-edge chat over a bad connection", () => {
  test("says when it is lost, and reads on", async () => {
    const proxy = await breakableProxy(stack.stack.url);
    const [session] = await sessions("main");
    const shell = await chat("main", ["-r", session!.id, "--url", proxy.url]);
    send(shell, "%wait 3000\n%say The end.");
    const opened = stack.client("main").sessions.open(session!.id);
    await until("it runs", async () => (await opened.retrieve()).status === "running");
    proxy.cut();
    await shell.shows("the connection was lost; reading on");
    proxy.mend();
    await shell.shows("The end.");
    await ended(shell);
    send(shell, "%say And on.");
    await shell.shows("And on.");
    await ended(shell);
    expect(await quit(shell)).toBe(0);
    await proxy.close();
  });
});
