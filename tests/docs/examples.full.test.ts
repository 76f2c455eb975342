import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { mintToken } from "@claude-edge/client/tokens";
import { describe, expect, it } from "vitest";
import { unstable_startWorker as startWorker } from "wrangler";

import { useStack } from "../support/stack.js";
import { hasChromium, inPage } from "./chromium.js";
import { ROOT, runNode } from "./run.js";

const local = useStack();

/** These are run by others than Node alone, below, or beside a page of the documentation. */
const OTHERS = new Set([
  "worker.ts",
  "private-repository.ts",
  "remote-mcp.ts",
  "third-party-api.ts",
  "webhook-approvals.ts",
]);

/** The one that an example names: with its token that can be run too. */
const ACCOUNT = "approvals-example";

const programs = readdirSync(join(ROOT, "examples")).filter(
  (name) => name.endsWith(".ts") && !OTHERS.has(name),
);

describe("an example checks itself:", () => {
  it.for(programs)("%s", async (name) => {
    const { url, token: rootKey } = local.stack;
    const token = await mintToken({ rootKey, account: ACCOUNT });
    const { code, printed } = await runNode([join("examples", name)], {
      env: { CLAUDE_EDGE_URL: url, CLAUDE_EDGE_TOKEN: token },
      timeout: 110_000,
    });
    expect({ code, printed }).toEqual({ code: 0, printed });
  });
});

const env = () => ({ CLAUDE_EDGE_URL: local.stack.url, CLAUDE_EDGE_TOKEN: local.stack.token });

describe("the Worker, in workerd", () => {
  it("streams a turn's text; one that fails gets a status", async () => {
    const bindings = Object.entries(env()).map(([name, value]) => [
      name,
      { type: "plain_text", value },
    ]);
    const worker = await startWorker({
      entrypoint: join(ROOT, "examples/worker.ts"),
      compatibilityDate: "2026-10-01",
      compatibilityFlags: ["enable_request_signal"],
      bindings: Object.fromEntries(bindings),
      dev: {
        server: { hostname: "127.0.0.1", port: 0 },
        inspector: false,
        watch: false,
        logLevel: "none",
        persist: false,
      },
    });
    try {
      const url = await worker.url;
      const ask = (body: string) => fetch(url, { method: "POST", body });
      const told = await ask("%say One.\n%wait 1000\n%say Two.");
      expect(told.status).toBe(200);
      const pieces: string[] = [];
      for await (const piece of told.body!.pipeThrough(new TextDecoderStream())) pieces.push(piece);
      expect(pieces[0]).toBe("One.");
      expect(pieces.join("")).toBe("One.\n\nTwo.");

      const refused = await ask("%refuse");
      expect(refused.status).toBe(400);
      expect(await refused.json()).toEqual({ code: "model_refused" });
    } finally {
      await worker.dispose();
    }
  });
});

describe.skipIf(!(await hasChromium()))("the page, in Chromium", () => {
  it("shows the answer, and never sees the key", async () => {
    const folder = mkdtempSync(join(tmpdir(), "claude-edge-page-"));
    const server = spawn(process.execPath, ["examples/browser/server.ts"], {
      cwd: ROOT,
      env: { ...process.env, ...env() },
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [url] = (await once(createInterface({ input: server.stdout }), "line")) as [string];
      const answer = `(({ dataset, textContent }) => dataset.state && [dataset.state, textContent])(
        document.querySelector("output") ?? { dataset: {} })`;
      expect(await inPage(`${url}/#ask`, answer, folder)).toEqual(["done", "It is 4."]);
      for (const path of ["/", "/page.js"]) {
        expect(await (await fetch(url + path)).text()).not.toContain(local.stack.token);
      }
    } finally {
      server.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
