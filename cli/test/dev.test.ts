import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

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
    const json = (await run(["logs", "--format", "json"], { cwd: project })).stdout;
    const lines = json
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toContainEqual({
      source: "container",
      message: "the agent \u001b[31m is here",
    });
  });
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${at}\n` });
  expect(stderr).toContain("scripted model");
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
  expect(await run(["logs", "-f", "--format", "xml"], { cwd: project })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("pretty, json"),
  });
});
