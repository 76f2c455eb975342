import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { wireError } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { useProject } from "../../tests/support/project.js";
import { found, useDoctor, withStack } from "./support/doctor.js";
import { passOn } from "./support/loopback.js";

const { edge, doctor, look, serve } = useDoctor();

describe("the key", () => {
  test.each([
    ["a wrong one", "nope", "access", "not this deployment's"],
    ["none", "", "token", "no key is given"],
    ["one with a line break in it", "a\nb", "token", "blanks or line breaks"],
  ])("%s", async (_what, CLAUDE_EDGE_TOKEN, id, message) => {
    const { code, failed, byId } = await look(edge.stack.url, [], { CLAUDE_EDGE_TOKEN });
    expect({ code, failed }).toEqual({ code: 1, failed: [id] });
    expect(byId[id]).toMatchObject(found("fail", message, "CLAUDE_EDGE_TOKEN"));
    expect(byId.model).toMatchObject(found("skip", 'needs "access"'));
  });

  test("a key of the model's is not sent to a deployment", async () => {
    const keys: unknown[] = [];
    const url = await serve((request, response) => {
      keys.push(request.headers.authorization);
      passOn(request, response, edge.stack.url);
    });
    for (const CLAUDE_EDGE_TOKEN of ["sk-ant-api03-x", "sk-ant-oat01-x"]) {
      const { failed, byId } = await look(url, [], { CLAUDE_EDGE_TOKEN });
      expect(failed).toEqual(["token"]);
      expect(byId.token).toMatchObject(found("fail", "is not sent", "CLAUDE_EDGE_ROOT_KEY"));
    }
    expect(new Set(keys)).toEqual(new Set([undefined]));
  });

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
export { AccountDO, ContainerDO, Gateway } from "@claude-edge/worker";
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
  test("sleeps: it is started only when that is asked for", async () => {
    const env = { CLAUDE_EDGE_ACCOUNT: "sleeper" };
    const asleep = await look(edge.stack.url, [], env);
    expect(asleep.byId.container).toMatchObject(found("skip", "it sleeps", "--start"));
    expect(asleep.byId.runner).toMatchObject(found("skip", 'needs "container"'));
    const awake = await look(edge.stack.url, ["--start"], env);
    expect(awake.byId.container).toMatchObject({ status: "ok" });
    const after = await look(edge.stack.url, [], env);
    expect(after.byId.runner).toMatchObject(found("ok", "runner 0.1.0"));
  });

  test("runs, and does not answer", async () => {
    const env = { CLAUDE_EDGE_ACCOUNT: "silent" };
    await look(edge.stack.url, ["--start"], env);
    const { pid } = edge.stack.containers().at(-1)!;
    process.kill(pid, "SIGSTOP");
    const { failed, byId } = await look(edge.stack.url, [], env);
    process.kill(pid, "SIGCONT");
    expect(failed).toEqual(["container"]);
    expect(byId.container).toMatchObject(found("fail", "not_listening", "container's logs"));
  });

  test.each([
    [
      "never listens",
      "setInterval(() => {}, 1000);\nawait new Promise(() => {});",
      "not_listening",
      "logs",
    ],
    ["ends at its start", "process.exit(3);", "exited", "logs"],
    ["cannot load its agent", "export default {", "agent_start_failed", "agent.config.ts"],
  ])("%s", async (_what, config, reason, fix) => {
    const project = useProject({ "agent.config.ts": config });
    const vars = { CLAUDE_EDGE_START_TIMEOUT: "3s" };
    await withStack({ project, vars, model: "scripted" }, async (_stack, env) => {
      const { failed, byId } = await doctor(["--start"], { env });
      expect(failed).toEqual(["container"]);
      expect(byId.container).toMatchObject(found("fail", reason, fix));
    });
  });

  // The platform's own refusals cannot be had here: the answer that they lead to stands for them.
  test.each([
    ["provisioning", "wait"],
    ["no_instance", "max_instances"],
    ["rate_limited", "wait a minute"],
  ])("cannot be had: %s", async (reason, fix) => {
    const message = "It could not be started.";
    const error = wireError("container_unavailable", message, { reason });
    const url = await serve((request, response) => {
      if (!request.url!.includes("start=true")) return passOn(request, response, edge.stack.url);
      response.writeHead(503, { "content-type": "application/json" });
      response.end(JSON.stringify({ type: "error", error, request_id: "req_1" }));
    });
    const env = { CLAUDE_EDGE_ACCOUNT: "nobody" };
    const { failed, byId } = await look(url, ["--start"], env);
    expect(failed).toEqual(["container"]);
    expect(byId.container).toMatchObject(found("fail", `container_unavailable, ${reason}`, fix));
  });

  test.each([
    ["of the same protocol", "protocol: PROTOCOL_VERSION", ""],
    ["of another protocol", "protocol: 0", "protocol 0: protocol_mismatch"],
  ])("runs an older image than the Worker's, %s", async (_what, protocol, message) => {
    const project = useProject();
    const copy = join(project, "node_modules", "@claude-edge", "runner");
    const runner = fileURLToPath(new URL("../../packages/runner", import.meta.url));
    for (const name of ["dist", "package.json"]) {
      cpSync(join(runner, name), join(copy, name), { recursive: true });
    }
    for (const name of readdirSync(join(copy, "dist")).filter((file) => file.endsWith(".js"))) {
      const path = join(copy, "dist", name);
      const text = readFileSync(path, "utf8").replaceAll('"0.1.0"', '"0.0.9"');
      writeFileSync(path, text.replaceAll("protocol: PROTOCOL_VERSION", protocol));
    }
    await withStack({ project, model: "scripted" }, async (_stack, env) => {
      const { failed, byId } = await doctor(["--start"], { env });
      expect(failed).toEqual(["runner"]);
      expect(byId.runner!.message).toContain(message);
      expect(byId.runner).toMatchObject(
        found("fail", "its runner is 0.0.9, the Worker 0.1.0", "rollout"),
      );
    });
  });
});
