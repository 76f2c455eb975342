import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

import { useProject } from "../../tests/support/use-project.js";
import { found, useDoctor, withStack } from "./support/doctor.js";

// Stacks of their own: each is broken in a way of its own. The rest waits for limits of seconds.

const { doctor, look, serve, folderWith } = useDoctor("doctor-full");

describe("the key", () => {
  test("a deployment without one serves nothing", async () => {
    const project = useProject({ ".dev.vars": "CLAUDE_EDGE_ROOT_KEY=\n" });
    await withStack({ project, model: "scripted" }, async ({ url }) => {
      const { failed, byId } = await look(url);
      expect(failed).toEqual(["access"]);
      expect(byId.access).toMatchObject(
        found("fail", "not_configured", "secrets set CLAUDE_EDGE_ROOT_KEY"),
      );
    });
  });
});

describe("the deployment's model credential", () => {
  const worker = `
import { app } from "./app.ts";
export { AccountDO, ContainerDO, DeploymentDO, Gateway, SessionDO } from "@claude-edge/worker";
export default app;
`;
  const app = `
import claudeEdge from "@claude-edge/worker";
export const app = {
  fetch: (request, env, ctx) => claudeEdge.fetch(request, { ...env, ANTHROPIC_API_KEY: "" }, ctx),
};
`;

  test("there is none", async () => {
    const project = useProject({ "src/worker.ts": worker, "src/app.ts": app });
    await withStack({ project, model: "scripted" }, async (_stack, env) => {
      const { failed, byId } = await doctor([], { env });
      expect(failed).toEqual(["model"]);
      expect(byId.model).toMatchObject(found("fail", "model_not_configured", "ANTHROPIC_API_KEY"));
    });
  });

  test("it is of the wrong kind", async () => {
    const project = useProject({ ".dev.vars": "ANTHROPIC_API_KEY=sk-ant-oat01-x\n" });
    await withStack({ project }, async (_stack, env) => {
      const { failed, byId } = await doctor([], { env });
      expect(failed).toEqual(["model"]);
      expect(byId.model).toMatchObject(
        found("fail", "OAuth token", "claude-edge secrets set CLAUDE_CODE_OAUTH_TOKEN"),
      );
    });
  });
});
describe("the container", () => {
  test("runs, and does not answer", async () => {
    await withStack({ project: useProject(), model: "scripted" }, async (stack, env) => {
      await doctor(["--start"], { env });
      const { pid } = stack.containers().at(-1)!;
      process.kill(pid, "SIGSTOP");
      const { failed, byId } = await doctor([], { env });
      process.kill(pid, "SIGCONT");
      expect(failed).toEqual(["container"]);
      expect(byId.container).toMatchObject(found("fail", "not_listening", "container's logs"));
    });
  });

  test("cannot be started", async () => {
    const project = useProject();
    const vars = { CLAUDE_EDGE_START_TIMEOUT: "8s" };
    await withStack({ project, vars, model: "scripted" }, async (_stack, env) => {
      for (const [config, reason, fix] of [
        ["setInterval(() => {}, 1000);\nawait new Promise(() => {});", "not_listening", "logs"],
        ["process.exit(3);", "exited", "logs"],
        ["export default {", "agent_start_failed", "agent.config.ts"],
      ]) {
        writeFileSync(join(project, "agent.config.ts"), config!);
        const account = { CLAUDE_EDGE_ACCOUNT: reason! };
        const { failed, byId } = await doctor(["--start"], { env: { ...env, ...account } });
        expect({ reason, failed }).toEqual({ reason, failed: ["container"] });
        expect(byId.container).toMatchObject(found("fail", reason!, fix));
      }
    });
  });

  test("runs, and an MCP server of the agent is not reached", async () => {
    const project = useProject();
    const config = `export default { mcpServers: { away: { type: "http", url: "https://10.0.0.1/mcp" } } };`;
    writeFileSync(join(project, "agent.config.ts"), config);
    await withStack({ project, model: "scripted" }, async (_stack, env) => {
      const { failed, byId } = await doctor(["--start"], { env });
      expect(failed).toEqual(["mcp"]);
      expect(byId.mcp).toMatchObject(found("fail", "away: failed", "CLAUDE_EDGE_NETWORK"));
    });
  });

  test("runs an older image than the Worker's, of the same protocol or another", async () => {
    const project = useProject();
    const copy = join(project, "node_modules", "@claude-edge", "runner");
    const runner = fileURLToPath(new URL("../../packages/runner", import.meta.url));
    const install = (protocol: string) => {
      for (const name of ["dist", "package.json"]) {
        cpSync(join(runner, name), join(copy, name), { recursive: true });
      }
      for (const name of readdirSync(join(copy, "dist")).filter((file) => file.endsWith(".js"))) {
        const path = join(copy, "dist", name);
        const text = readFileSync(path, "utf8").replaceAll('"0.1.0"', '"0.0.9"');
        writeFileSync(path, text.replaceAll("protocol: RUNNER_PROTOCOL", protocol));
      }
    };
    const same = "protocol: RUNNER_PROTOCOL";
    install(same);
    await withStack({ project, model: "scripted" }, async (_stack, env) => {
      for (const [account, protocol, message] of [
        ["same", same, ""],
        ["another", "protocol: 3", "protocol 3: protocol_mismatch"],
      ]) {
        install(protocol!);
        const as = { ...env, CLAUDE_EDGE_ACCOUNT: account! };
        const { failed, byId } = await doctor(["--start"], { env: as });
        expect({ account, failed }).toEqual({ account, failed: ["runner"] });
        expect(byId.runner!.message).toContain(message);
        expect(byId.runner).toMatchObject(
          found("fail", "its runner is 0.0.9, the Worker 0.1.0", "rollout"),
        );
      }
    });
  });
});

describe("what does not answer", () => {
  test("a server costs a limited time", async () => {
    const url = await serve(() => {});
    const { byId } = await look(url);
    expect(byId.reach).toMatchObject({ status: "fail" });
    expect(JSON.stringify(byId.reach)).toMatch(/10 s|in time/);
  });

  test("so does Docker", async () => {
    const folder = folderWith({});
    writeFileSync(join(folder, "docker"), "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
    const env = { PATH: `${folder}:/usr/bin:/bin` };
    const { code, byId } = await doctor([], { env });
    expect(byId.docker).toMatchObject(found("warn", "daemon does not answer", "start Docker"));
    expect(code).toBe(0);
  });
});
