import { appendFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { beforeEach, describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { TAILED, useCloudflareApi } from "./support/cloudflare-api.js";
import { useDev } from "./support/dev.js";
import { WORKER } from "./support/project.js";

const { run, runProcess, makeProject, whileDev } = useDev();
const api = useCloudflareApi();

const ask = (cwd: string) => run(["query", "%say Hi."], { cwd });
const marker = (path: string, code: string) => appendFileSync(path, `\n${code}\n`);

describe("claude-edge logs of a running dev", () => {
  test("-f goes on with what comes, and ends with the dev; the next dev begins a new log", async () => {
    const project = makeProject();
    const agent = join(project, "agent.config.ts");
    marker(agent, `console.log("the first agent");`);
    await whileDev(project, async (_url, _output, stop) => {
      let seen = "";
      const following = run(["logs", "-f"], {
        cwd: project,
        onOutput: (stdout) => (seen = stdout),
      });
      await ask(project);
      await until("the first line", () => seen.includes("[container] the first agent\n"));
      marker(agent, `console.log("the second agent");`);
      await until("the second line", async () => {
        await ask(project);
        return seen.includes("[container] the second agent\n");
      });
      await stop();
      const { code, stdout, stderr } = await following;
      expect({ code, stderr }).toEqual({ code: 0, stderr: "claude-edge dev has stopped\n" });
      expect(stdout.split("the first agent").length).toBeGreaterThan(1);
    });
    writeFileSync(agent, "export default {};\n");
    await whileDev(project, async () => {
      expect((await run(["logs"], { cwd: project })).stdout).not.toContain("the first agent");
    });
  });

  test("the log is bounded, and its end is kept; -f ends at Ctrl-C with 130", async () => {
    const project = makeProject();
    marker(
      join(project, "agent.config.ts"),
      `for (let i = 0; i < 6000; i += 1) console.log(\`line \${i} \${"x".repeat(1000)}\`);`,
    );
    await whileDev(project, async () => {
      expect((await ask(project)).code).toBe(0);
      const { stdout } = await run(["logs"], { cwd: project });
      const lines = stdout.split("\n").filter((line) => line.includes("[container] line"));
      expect(lines.at(-1)).toContain("line 5999 ");
      expect(lines.length).toBeLessThan(4500);
      const folder = join(project, ".wrangler", "claude-edge");
      const logs = readdirSync(folder).filter((name) => name.startsWith("dev.log"));
      const stats = logs.map((name) => statSync(join(folder, name)));
      expect(stats.length).toBe(2);
      expect(Math.max(...stats.map(({ size }) => size))).toBeLessThanOrEqual(2 * 1024 * 1024);
      expect(stats.map(({ mode }) => mode & 0o777)).toEqual([0o600, 0o600]);

      const controller = new AbortController();
      const result = await runProcess(["logs", "-f"], {
        cwd: project,
        signal: controller.signal,
        onOutput: () => controller.abort(),
      });
      expect(result.code).toBe(130);
    });
  });
});

describe("claude-edge logs of a deployment", () => {
  let project: string;
  beforeEach(() => {
    project ??= makeProject();
    api.workers.set(WORKER, { secrets: new Map(), uploads: [] });
  });

  test("follows it with the project's wrangler until Ctrl-C, which ends the tail too", async () => {
    const lines: string[] = [];
    for (const flags of [[], ["--json"]]) {
      api.requests.length = 0;
      const controller = new AbortController();
      const { code, stdout } = await run(["logs", "-f", "--turn", "5c1f2d7e", ...flags], {
        cwd: project,
        env: api.env,
        signal: controller.signal,
        onOutput: () => controller.abort(),
      });
      expect(code).toBe(130);
      lines.push(...stdout.trimEnd().split("\n"));
      expect(api.requests.at(-1)).toMatch(/^DELETE .*\/tails\/tail-1$/);
    }
    expect(lines).toEqual([
      expect.stringMatching(/ warn {2}\[worker\] turn ended {2}agent_exited {2}turn 5c1f2d7e$/),
      JSON.stringify({ ...TAILED, source: "worker" }),
    ]);
  });

  test("says when there is no login", async () => {
    const env = { ...api.env, CLOUDFLARE_API_TOKEN: "" };
    const result = await run(["logs", "-f"], { cwd: project, env });
    expect(result).toMatchObject({ code: 4, stdout: "" });
    expect(result.stderr).toContain("wrangler login");
  });
});
