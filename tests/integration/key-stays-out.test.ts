import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { findMarked } from "@claude-edge/runner/processes";
import { expect, test } from "vitest";

import { useStack } from "../support/stack.js";

const edge = useStack();

const environmentOf = (pid: number) => readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");

const filesHolding = (text: string, folder: string): string[] => {
  try {
    return execFileSync("grep", ["-rlF", "--", text, folder], { encoding: "utf8" })
      .split("\n")
      .filter(Boolean);
  } catch {
    // grep ends with 1 when it finds nothing.
    return [];
  }
};

test.skipIf(process.platform !== "linux")(
  "no credential is in the container: processes, files, what tools see",
  async () => {
    const { key, requests } = edge.stack.model!;
    const secrets = [key, edge.stack.token];
    const session = await edge.client().sessions.create({ allowedTools: ["Bash"] });
    const events = [];
    const prompt =
      '%tool Bash {"command":"env; cat /proc/self/environ /proc/$PPID/environ"}\n%say Looked.';
    for await (const event of session.send(prompt)) events.push(event);
    expect(events.at(-1)).toMatchObject({ status: "completed" });
    const seen = JSON.stringify(events);
    expect(seen).toContain("ANTHROPIC_BASE_URL=http://model.claude-edge.internal");
    for (const secret of secrets) expect(seen).not.toContain(secret);

    const [container] = edge.stack.containers();
    const runner = environmentOf(container!.pid);
    const id = runner.find((pair) => pair.startsWith("CLAUDE_EDGE_CONTAINER="))!.split("=")[1]!;
    const pids = findMarked("CLAUDE_EDGE_CONTAINER", id);
    // The runner and the session's claude at the least.
    expect(pids.length).toBeGreaterThanOrEqual(2);
    for (const pid of pids) {
      for (const secret of secrets) {
        expect(environmentOf(pid).join("\n")).not.toContain(secret);
        expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).not.toContain(secret);
      }
      expect(environmentOf(pid)).toContain("ANTHROPIC_API_KEY=placeholder");
    }

    const disk = join(runner.find((pair) => pair.startsWith("HOME="))!.slice("HOME=".length), "..");
    // The search does find what is there: the transcript holds the prompt.
    expect(filesHolding("Looked.", disk).length).toBeGreaterThan(0);
    for (const secret of secrets) expect(filesHolding(secret, disk)).toEqual([]);

    // The gateway put it in on the way.
    expect(requests.at(-1)!.headers["x-api-key"]).toBe(key);
  },
);

test("the gateway serves the model API and nothing else", async () => {
  const session = await edge.client("gateway").sessions.create({ allowedTools: ["Bash"] });
  const ask = async (command: string) => {
    const events = [];
    const prompt = `%tool Bash ${JSON.stringify({ command })}\n%say ok`;
    for await (const event of session.send(prompt)) events.push(event);
    const found = /status=\d+/.exec(
      JSON.stringify(
        events.filter((event) => event.kind === "message" && event.message.type === "user"),
      ),
    );
    return found?.[0];
  };
  const status = (target: string, extra = "") =>
    `curl -s -o /dev/null -w 'status=%{http_code}' ${extra} ${target}`;
  const base = "http://model.claude-edge.internal";
  expect(await ask(status(`${base}/v1/models`))).toBe("status=200");
  expect(await ask(status(`${base}/v1/files`))).toBe("status=404");
  expect(await ask(status(`${base}/v1/organizations`))).toBe("status=404");
  expect(await ask(status(`${base}/v1/messages/../models/../files`, "--path-as-is"))).toBe(
    "status=404",
  );
  // No other host, and not this machine's own services under another name.
  expect(await ask(status("http://example.com/"))).toMatch(/status=(403|000)/);
  expect(await ask(status("https://example.com/"))).toBe("status=000");
});
