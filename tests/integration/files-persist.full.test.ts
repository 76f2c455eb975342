import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ClaudeEdge } from "@claude-edge/client";
import { startLocal } from "@claude-edge/local";
import { expect, test } from "vitest";

import { useR2Project } from "../support/use-project.js";

const project = useR2Project();

test("what is in R2 is there again when a stack that keeps its data is started anew", async () => {
  const persist = mkdtempSync(join(tmpdir(), "files-persist-"));
  const start = () => startLocal({ project, persist, model: "scripted" });
  const filesOf = ({ url, token }: { url: string; token: string }, id: string) =>
    new ClaudeEdge({ baseURL: url, token }).sessions.open(id).files;
  try {
    const first = await start();
    const { id } = await new ClaudeEdge({
      baseURL: first.url,
      token: first.token,
    }).sessions.create();
    await filesOf(first, id).put("kept.txt", "still here");
    await first.stop();
    const second = await start();
    try {
      expect(await (await filesOf(second, id).get("kept.txt")).text()).toBe("still here");
    } finally {
      await second.stop();
    }
  } finally {
    rmSync(persist, { recursive: true, force: true });
  }
});
