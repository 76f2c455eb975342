import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { describe, expect, it } from "vitest";
import { unstable_startWorker as startWorker } from "wrangler";

import { useStack } from "../support/stack.js";
import { hasChromium, inPage } from "./chromium.js";
import { ROOT, runNode, typeCheck } from "./run.js";

const local = useStack();

const env = () => ({ CLAUDE_EDGE_URL: local.stack.url, CLAUDE_EDGE_TOKEN: local.stack.token });

/** These are run by others than Node alone, below. */
const OTHERS = new Set(["worker.ts"]);

const programs = readdirSync(join(ROOT, "examples")).filter(
  (name) => name.endsWith(".ts") && !OTHERS.has(name),
);

it("the examples fit the packages' types", async () => {
  expect(await typeCheck("examples")).toEqual({ code: 0, printed: "" });
});

describe("an example checks itself:", () => {
  it.for(programs)("%s", { timeout: 60_000 }, async (name) => {
    const { code, printed } = await runNode([join("examples", name)], {
      env: env(),
      timeout: 50_000,
    });
    expect({ code, printed }).toEqual({ code: 0, printed });
  });
});

describe("the Worker, in workerd", () => {
  it("streams a turn's text; one that fails gets a status", { timeout: 60_000 }, async () => {
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
  it("shows the answer, and never sees the key", { timeout: 60_000 }, async () => {
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
