import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import type { LogEntry } from "@claude-edge/protocol/internal";
import { beforeAll, describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { useDev } from "./support/dev.js";

// A stack of its own: that is what `dev` starts.

const { empty, run, makeProject, whileDev } = useDev();

let project: string;
beforeAll(() => {
  project = makeProject();
});

const ask = (cwd: string) => run(["query", "%say Found you."], { cwd });
const found = { code: 0, stdout: "Found you.\n", stderr: "" };

test("dev serves the project until Ctrl-C; query and logs find it from the folder and below", async () => {
  writeFileSync(
    join(project, "agent.config.ts"),
    `console.log("the agent \\u001b[31m is here");\nexport default {};\n`,
  );
  let at = "";
  const { code, stdout, stderr } = await whileDev(project, async (url) => {
    at = url;
    expect(await ask(project)).toEqual(found);
    const env = { CLAUDE_EDGE_TOKEN: "of another deployment" };
    expect(await run(["requests"], { cwd: join(project, "src"), env })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("CLAUDE_EDGE_TOKEN is left aside"),
    });
    const second = await run(["dev", "--port", "0"], { cwd: project });
    expect(second).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining(url) });

    const logs = await run(["logs"], { cwd: join(project, "src") });
    expect(logs).toMatchObject({ code: 0, stderr: "" });
    expect(logs.stdout).toContain("[container] the agent \u001b[31m is here\n");
    expect(logs.stdout).not.toContain("ce_root_");
    const lines = async (...flags: string[]) => {
      const { stdout: text } = await run(["logs", "--json", ...flags], { cwd: project });
      return text.split("\n").flatMap((line) => (line ? [JSON.parse(line) as LogEntry] : []));
    };
    const said = { source: "container", message: "the agent \u001b[31m is here", level: "info" };
    expect(await lines()).toContainEqual(expect.objectContaining(said));

    // What an error names is found.
    const failed = await run(["sessions", "show", randomUUID()], { cwd: project });
    const [id] = /req_[0-9a-f]{32}/.exec(failed.stderr) ?? [];
    const found404 = { level: "warn", status: 404, error: { code: "session_not_found" } };
    expect(await lines("--request", id!)).toMatchObject([{ request_id: id, ...found404 }]);
    const inWords = await run(["logs", "--request", id!.slice(0, 12)], { cwd: project });
    expect(inWords.stdout).toMatch(
      /^[\d:.]+ warn  \[worker\] GET \/v1\/sessions\/[0-9a-f]{8} 404 \d+ ms  session_not_found  .*req_/,
    );
    expect(inWords.stdout.trimEnd()).not.toContain("\n");

    // A turn's own entries, by the id that its request's line has.
    const asked = (await lines()).find(({ route }) => route === "/v1/query");
    const ofTurn = await lines("--turn", asked!.turn!.slice(0, 8));
    expect(ofTurn.map(({ message }) => message)).toEqual(
      expect.arrayContaining(["turn started", "turn ended", "request answered"]),
    );
    expect(new Set(ofTurn.map(({ session }) => session))).toEqual(new Set([asked!.session]));
    expect((await lines("--level", "warn")).every(({ level }) => level !== "info")).toBe(true);
    expect(await lines("--account", "nobody")).toEqual([]);
  });
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${at}\n` });
  expect(stderr).toContain("scripted model");
  expect(stderr).toMatch(/^POST \/v1\/query 200 [\d.]+ m?s$/m);
  expect(stderr).toMatch(
    /^GET \/v1\/sessions\/[0-9a-f]{8} 404 \d+ ms  session_not_found  req_[0-9a-f]{8}$/m,
  );
  expect(stderr).toContain("[container] the agent \u001b[31m is here\n");
  expect(stderr).not.toContain('{"level"');
  await expect(fetch(at)).rejects.toThrow();
  expect(await ask(project)).toMatchObject({ code: 2 });
});

describe("dev refuses", () => {
  test.each([
    ["a folder without a project", () => ["dev", empty], 2, "no wrangler.jsonc"],
    ["a folder within a project", () => ["dev", join(project, "src")], 2, "no wrangler.jsonc"],
    ["a folder that is not there", () => ["dev", join(empty, "none")], 2, "There is no folder"],
    ["a port that is none", () => ["dev", project, "--port", "x"], 2, "not a port"],
  ])("%s in one line with the fix", async (_what, args, code, message) => {
    const result = await run(args());
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
  });

  test("a port that is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    const port = await until("a port", () => (server.address() as { port: number } | null)?.port);
    expect(await run(["dev", project, "--port", String(port)])).toMatchObject({
      code: 6,
      stderr: expect.stringContaining("--port"),
    });
    server.close();
  });
});

test("logs, where there is neither a dev nor a project", async () => {
  expect(await run(["logs"], { cwd: project })).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining("-f"),
  });
  expect(await run(["logs", "-f"], { cwd: empty })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("no wrangler.jsonc"),
  });
  expect(await run(["logs", "-f", "--level", "all"], { cwd: project })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("debug, info, warn, error"),
  });
});
