import { readFileSync } from "node:fs";
import { join } from "node:path";

import { end, output, start } from "../runtimes/support/programs.js";
import { until } from "../support/wait.js";

export const hasChromium = (): Promise<boolean> =>
  output("chromium", ["--version"]).then(
    () => true,
    () => false,
  );

/** Opens a page in a Chromium of its own, and gives the value that an expression in it comes to have. */
export async function inPage(url: string, expression: string, folder: string): Promise<unknown> {
  const profile = join(folder, "profile");
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
  const chromium = start(
    "chromium",
    [...flags, "--no-first-run", `--user-data-dir=${profile}`, "--remote-debugging-port=0", url],
    { folder, signal: new AbortController().signal, stdio: ["ignore", "ignore", "ignore"] },
  );
  try {
    const port = await until("Chromium says its port", () => {
      try {
        return readFileSync(join(profile, "DevToolsActivePort"), "utf8").split("\n")[0];
      } catch {
        return undefined;
      }
    });
    const page = await until("the page is open", async () => {
      const list = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
      return (list as Target[]).find((target) => target.url === url);
    });
    return await until("the page is done", () => evaluate(page.webSocketDebuggerUrl, expression));
  } finally {
    await end(chromium);
  }
}

interface Target {
  url: string;
  webSocketDebuggerUrl: string;
}

/** The value of an expression now, over Chromium's DevTools protocol. */
function evaluate(target: string, expression: string): Promise<unknown> {
  const socket = new WebSocket(target);
  const call = { id: 1, method: "Runtime.evaluate", params: { expression, returnByValue: true } };
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => socket.send(JSON.stringify(call)));
    socket.addEventListener("message", ({ data }) => {
      const { result } = JSON.parse(String(data)) as { result?: { result: { value?: unknown } } };
      resolve(result?.result.value);
      socket.close();
    });
    socket.addEventListener("close", () => reject(new Error("Chromium has gone")));
  });
}
