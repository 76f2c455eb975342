import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { EdgeEvent, Session } from "@claude-edge/client";
import { findMarked } from "@claude-edge/runner/processes";
import { beforeAll, expect, test } from "vitest";

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

let session: Session;
beforeAll(async () => {
  session = await edge.client("key-stays-out").sessions.create({ allowedTools: ["Bash"] });
});

async function run(command: string, said: string): Promise<EdgeEvent[]> {
  const events: EdgeEvent[] = [];
  const prompt = `%tool Bash ${JSON.stringify({ command })}\n%say ${said}`;
  for await (const event of session.send(prompt)) events.push(event);
  expect(events.at(-1)).toMatchObject({ status: "completed" });
  return events;
}

test.skipIf(process.platform !== "linux")(
  "no credential is in the container: processes, files, what tools see",
  async () => {
    const { key } = edge.stack.model;
    const secrets = [key, edge.stack.token];
    const events = await run("env; cat /proc/self/environ /proc/$PPID/environ", "Looked.");
    const seen = JSON.stringify(events);
    expect(seen).toContain("ANTHROPIC_BASE_URL=http://model.claude-edge.internal");
    for (const secret of secrets) expect(seen).not.toContain(secret);

    const container = await edge.containerOf(session.id);
    const runner = environmentOf(container!.pid);
    const id = runner.find((pair) => pair.startsWith("CLAUDE_EDGE_CONTAINER="))!.split("=")[1]!;
    const pids = findMarked({ CLAUDE_EDGE_CONTAINER: id });
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
    const asked = await edge.asked(session.id);
    expect(asked.length).toBeGreaterThan(0);
    for (const { headers } of asked) expect(headers["x-api-key"]).toBe(key);
  },
);

test("the gateway serves the model API and nothing else", async () => {
  const base = "http://model.claude-edge.internal";
  const targets: [target: string, status: RegExp][] = [
    [`${base}/v1/models`, /^200$/],
    [`${base}/v1/files`, /^404$/],
    [`${base}/v1/organizations`, /^404$/],
    [`--path-as-is ${base}/v1/messages/../models/../files`, /^404$/],
    // No other host, and not this machine's own services under another name.
    ["http://example.com/", /^(403|000)$/],
    ["https://example.com/", /^(403|000)$/],
  ];
  const command = targets
    .map(([target]) => `curl -s -o /dev/null -w 'status=%{http_code} ' ${target}`)
    .join("; ");
  const results = (await run(command, "Asked.")).filter(
    (event) => event.kind === "message" && event.message.type === "user",
  );
  const found = [...JSON.stringify(results).matchAll(/status=(\d+)/g)].map(([, status]) => status!);
  // The result of a tool is told twice: as the model is told it, and as it was.
  const statuses = found.slice(0, targets.length);
  expect(statuses).toHaveLength(targets.length);
  for (const [index, [, status]] of targets.entries()) expect(statuses[index]).toMatch(status);
});
