import { spawn } from "node:child_process";
import { appendFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { beforeEach, describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { TAILED, useCloudflareApi } from "./support/cloudflare-api.js";
import { useProjects, WORKER } from "./support/project.js";
import { BIN, useCli } from "./support/run.js";

const makeProject = useProjects();
const { empty, run } = useCli();
const api = useCloudflareApi();

/** Runs `dev` for a project while the test does its work. */
async function whileDev(project: string, work: (stop: () => Promise<void>) => Promise<void>) {
  const child = spawn(process.execPath, [BIN, "dev", "--port", "0", "--scripted"], {
    cwd: project,
    env: { PATH: process.env.PATH!, HOME: empty, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = () => {
    child.kill("SIGINT");
    return ended;
  };
  try {
    await until("dev is up", () => stdout.endsWith("\n"), 30_000);
    await work(stop);
  } finally {
    await stop();
  }
}

const ask = (cwd: string) => run(["query", "%say Hi."], { cwd });
const marker = (path: string, code: string) => appendFileSync(path, `\n${code}\n`);

describe("claude-edge logs of a running dev", () => {
  test("prints what there is, whole lines that say whose they are, and nothing of an earlier dev", async () => {
    const project = makeProject();
    marker(join(project, "agent.config.ts"), `console.log("the agent \\u001b[31m is here");`);
    await whileDev(project, async () => {
      expect((await ask(project)).code).toBe(0);
      const { code, stdout, stderr } = await run(["logs"], { cwd: join(project, "src") });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("[container] the agent \u001b[31m is here\n");
      expect(stdout).not.toContain("ce_root_");
      const json = (await run(["logs", "--format", "json"], { cwd: project })).stdout;
      const lines = json
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown);
      expect(lines).toContainEqual({
        source: "container",
        message: "the agent \u001b[31m is here",
      });
      const path = join(project, ".wrangler", "claude-edge", "dev.log");
      expect(statSync(path).mode & 0o777).toBe(0o600);
    });
    writeFileSync(join(project, "agent.config.ts"), "export default {};\n");
    await whileDev(project, async () => {
      expect((await run(["logs"], { cwd: project })).stdout).not.toContain("the agent");
    });
  });

  test("-f goes on with what comes, and ends with the dev", async () => {
    const project = makeProject();
    marker(join(project, "agent.config.ts"), `console.log("the first agent");`);
    await whileDev(project, async (stop) => {
      let seen = "";
      const following = run(["logs", "-f"], {
        cwd: project,
        onOutput: (_child, stdout) => (seen = stdout),
      });
      await ask(project);
      await until("the first line", () => seen.includes("[container] the first agent\n"));
      marker(join(project, "agent.config.ts"), `console.log("the second agent");`);
      await until("the second line", async () => {
        await ask(project);
        return seen.includes("[container] the second agent\n");
      });
      await stop();
      const { code, stdout, stderr } = await following;
      expect({ code, stderr }).toEqual({ code: 0, stderr: "claude-edge dev has stopped\n" });
      expect(stdout.split("the first agent").length).toBeGreaterThan(1);
    });
  });

  test("-f ends at Ctrl-C with 130", async () => {
    const project = makeProject();
    marker(join(project, "agent.config.ts"), `console.log("the agent");`);
    await whileDev(project, async () => {
      await ask(project);
      const controller = new AbortController();
      const result = await run(["logs", "-f"], {
        cwd: project,
        signal: controller.signal,
        onOutput: () => controller.abort(),
      });
      expect(result.code).toBe(130);
    });
  });

  test("the log is bounded, and its end is kept", async () => {
    const project = makeProject();
    marker(
      join(project, "agent.config.ts"),
      `for (let i = 0; i < 6000; i += 1) console.log(\`line \${i} \${"x".repeat(1000)}\`);`,
    );
    await whileDev(project, async () => {
      expect((await ask(project)).code).toBe(0);
      const { stdout } = await run(["logs"], { cwd: project });
      const lines = stdout.split("\n").filter((line) => line.startsWith("[container] line"));
      expect(lines.at(-1)).toContain("line 5999 ");
      expect(lines.length).toBeLessThan(4500);
      const folder = join(project, ".wrangler", "claude-edge");
      const sizes = readdirSync(folder)
        .filter((name) => name.startsWith("dev.log"))
        .map((name) => statSync(join(folder, name)).size);
      expect(sizes.length).toBe(2);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(2 * 1024 * 1024);
    });
  });
});

describe("claude-edge logs of a deployment", () => {
  let project: string;
  beforeEach(() => {
    project ??= makeProject();
    api.workers.set(WORKER, { secrets: new Map(), uploads: [] });
  });
  const logs = (args: string[], env: Record<string, string> = {}, last?: string) => {
    const controller = new AbortController();
    return run(["logs", ...args], {
      cwd: project,
      env: { ...api.env, ...env },
      signal: controller.signal,
      onOutput: (_child, stdout) => {
        if (last !== undefined && stdout.includes(last)) controller.abort();
      },
    });
  };

  test("follows it with the project's wrangler until Ctrl-C, which ends the tail too", async () => {
    for (const format of ["pretty", "json"]) {
      api.requests.length = 0;
      const { code, stdout } = await logs(["-f", "--format", format], {}, TAILED);
      expect(code).toBe(130);
      expect(stdout).toContain(TAILED);
      expect(api.requests.at(-1)).toMatch(/^DELETE .*\/tails\/tail-1$/);
    }
  });

  test.each([
    ["without -f", [], {}, 2, "-f"],
    ["a format there is not", ["-f", "--format", "xml"], {}, 2, "pretty, json"],
    ["no login", ["-f"], { CLOUDFLARE_API_TOKEN: "" }, 4, "wrangler login"],
  ])("%s is said", async (_what, args, env, code, message) => {
    const result = await logs(args, env);
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
  });

  test("a folder that is no project", async () => {
    expect(await run(["logs", "-f"], { cwd: empty })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no wrangler.jsonc"),
    });
  });
});
