import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { agentEnvironment, makeSessionFolders } from "./environment.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "environment-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

const folders = () =>
  makeSessionFolders({ workspaces: join(root, "w"), state: join(root, "s") }, "id");

test("a session has folders of its own, made once", async () => {
  const made = await folders();
  expect(made).toEqual({
    workspace: join(root, "w/id"),
    home: join(root, "s/id/home"),
    config: join(root, "s/id/config"),
    temp: join(root, "s/id/tmp"),
  });
  expect(await folders()).toEqual(made);
  for (const path of Object.values(made)) expect(statSync(path).isDirectory()).toBe(true);
});

test("an agent's environment holds of the runner's own what it needs, and no secret", async () => {
  vi.stubEnv("PATH", "/bin");
  vi.stubEnv("https_proxy", "http://proxy");
  vi.stubEnv("ANTHROPIC_API_KEY", "placeholder");
  vi.stubEnv("DATABASE_PASSWORD", "secret");
  vi.stubEnv("CLAUDE_EDGE_SPARES", "1");
  vi.stubEnv("TZ", undefined);
  vi.stubEnv("SSL_CERT_FILE", "/of/the/image");
  const certificates = { SSL_CERT_FILE: "/bundle", PIP_CERT: "/bundle" };
  const extra = { EXTRA: "1", HOME: "/elsewhere", PIP_CERT: "/of/the/agent" };
  const env = agentEnvironment("id", await folders(), certificates, extra);
  expect(env).toMatchObject({
    PATH: "/bin",
    https_proxy: "http://proxy",
    ANTHROPIC_API_KEY: "placeholder",
    EXTRA: "1",
    SSL_CERT_FILE: "/bundle",
    PIP_CERT: "/of/the/agent",
    CLAUDE_EDGE_SESSION: "id",
    // Not the agent's to choose.
    HOME: join(root, "s/id/home"),
    CLAUDE_CONFIG_DIR: join(root, "s/id/config"),
    CLAUDE_CODE_TMPDIR: join(root, "s/id/tmp"),
    DISABLE_TELEMETRY: "1",
  });
  expect(Object.keys(env).filter((name) => name.startsWith("OTEL_"))).toEqual([]);
  expect(env).not.toHaveProperty("DATABASE_PASSWORD");
  expect(env).not.toHaveProperty("CLAUDE_EDGE_SPARES");
  expect(env).not.toHaveProperty("TZ");
});

test("with a collector the process tells of its spans, by the gateway and without content, unless the agent has its own", async () => {
  vi.stubEnv("CLAUDE_EDGE_TRACES", "1");
  expect(agentEnvironment("id", await folders(), {}, undefined)).toMatchObject({
    CLAUDE_CODE_ENABLE_TELEMETRY: "1",
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "none",
    OTEL_LOGS_EXPORTER: "none",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://traces.claude-edge.internal/v1/traces",
  });
  const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://collector.of.the.agent" };
  expect(agentEnvironment("id", await folders(), {}, own)).toMatchObject(own);
});
