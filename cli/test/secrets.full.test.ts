import { describe, expect, test } from "vitest";

import { API_KEY, useCloudflare } from "./support/cloudflare.js";
import { WORKER } from "./support/project.js";
import type { RunOptions } from "./support/run.js";

// Each runs the project's wrangler, for seconds.

const cloudflare = useCloudflare();
const { api, cli, deployed } = cloudflare;
const secrets = (args: string[], options?: RunOptions) => cli(["secrets", ...args], options);

describe("claude-edge secrets, of a deployment", () => {
  test("lists names", async () => {
    deployed({ ANTHROPIC_API_KEY: API_KEY, CLAUDE_EDGE_ROOT_KEY: "ce_root_x" });
    const names = "ANTHROPIC_API_KEY\nCLAUDE_EDGE_ROOT_KEY\n";
    expect(await secrets([])).toEqual({ code: 0, stdout: names, stderr: "" });
    expect((await secrets(["list", "--json"])).stdout).toBe(
      '{"name":"ANTHROPIC_API_KEY"}\n{"name":"CLAUDE_EDGE_ROOT_KEY"}\n',
    );
  });

  test("takes one away", async () => {
    const worker = deployed({ ANTHROPIC_API_KEY: API_KEY, CLAUDE_EDGE_ROOT_KEY: "ce_root_x" });
    expect(await secrets(["delete", "ANTHROPIC_API_KEY"])).toMatchObject({ code: 0, stdout: "" });
    expect([...worker.secrets.keys()]).toEqual(["CLAUDE_EDGE_ROOT_KEY"]);
    expect(await secrets(["delete", "ANTHROPIC_API_KEY"])).toMatchObject({ code: 5 });
  });

  test("can be set before the first deploy; there is nothing to list or delete", async () => {
    for (const args of [["list"], ["delete", "ANTHROPIC_API_KEY"]]) {
      const result = await secrets(args);
      expect(result).toMatchObject({ code: 5, stdout: "" });
      expect(result.stderr).toContain("claude-edge deploy");
      expect(api.workers.size).toBe(0);
    }
    expect((await secrets(["set", "ANTHROPIC_API_KEY"], { input: API_KEY })).code).toBe(0);
    expect(api.workers.get(WORKER)!.secrets.get("ANTHROPIC_API_KEY")).toBe(API_KEY);
  });

  test("--generate makes a root key that only the deployment and the profile know", async () => {
    const worker = deployed();
    const generate = ["set", "CLAUDE_EDGE_ROOT_KEY", "--generate"];
    const homeless = await secrets(generate);
    expect(homeless).toMatchObject({ code: 5, stdout: "" });
    expect(worker.secrets.size).toBe(0);
    cloudflare.home.write({
      profiles: {
        [WORKER]: { url: "https://a.example", token: "old" },
        other: { url: "https://b.example", token: "old" },
      },
    });
    const { code, stdout, stderr } = await secrets(generate);
    const key = worker.secrets.get("CLAUDE_EDGE_ROOT_KEY")!;
    expect(key).toMatch(/^ce_root_[\w-]{32}$/);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(`${stderr}${cloudflare.traces.all()}`).not.toContain(key);
    expect(cloudflare.home.read().profiles).toMatchObject({
      [WORKER]: { token: key },
      other: { token: "old" },
    });
    await secrets([...generate, "--profile", "other"]);
    const second = worker.secrets.get("CLAUDE_EDGE_ROOT_KEY")!;
    expect(second).not.toBe(key);
    expect(cloudflare.home.read().profiles).toMatchObject({
      [WORKER]: { token: key },
      other: { token: second },
    });
  });

  test("says that wrangler is not logged in, or what else it says", async () => {
    deployed();
    const env = { CLOUDFLARE_API_TOKEN: "" };
    const loggedOut = await secrets(["set", "ANTHROPIC_API_KEY"], { input: API_KEY, env });
    expect(loggedOut).toMatchObject({ code: 4, stdout: "" });
    expect(loggedOut.stderr).toContain("wrangler login");
    const refused = await secrets(["list"], { env: { CLOUDFLARE_API_TOKEN: "wrong" } });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("Authentication error");
    api.onRequest = (line) => (line.includes("secrets-bulk") ? 500 : undefined);
    const failed = await secrets(["set", "ANTHROPIC_API_KEY"], { input: API_KEY });
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).not.toContain(API_KEY);
  });

  test("Ctrl-C goes on to wrangler", async () => {
    deployed();
    let arrived = () => {};
    const asked = new Promise<void>((resolve) => (arrived = resolve));
    let release = () => {};
    const held = new Promise<undefined>((resolve) => (release = () => resolve(undefined)));
    api.onRequest = () => {
      arrived();
      return held;
    };
    const controller = new AbortController();
    const running = secrets(["list"], {
      signal: controller.signal,
    });
    await asked;
    controller.abort();
    expect(await running).toMatchObject({ code: 130, stdout: "" });
    release();
  });
});
