import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findMarked } from "@claude-edge/runner/processes";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { ProcessEngine, SIDECAR_IMAGE } from "../src/engine/engine.js";

const mark = { CLAUDE_EDGE_ENGINE_TEST: randomUUID() };

describe("containers as local processes", () => {
  let folder: string;
  let engine: ProcessEngine;

  const call = (method: string, path: string, body?: object) =>
    new Promise<number>((resolve, reject) => {
      const sent = request({ socketPath: join(folder, "engine.sock"), method, path }, (answer) => {
        answer.resume().on("end", () => resolve(answer.statusCode!));
      });
      sent.on("error", reject).end(body && JSON.stringify(body));
    });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "engine-"));
    engine = new ProcessEngine({
      command: process.execPath,
      args: ["--eval", "setInterval(() => {}, 1000)"],
      cwd: folder,
      env: mark,
      disks: join(folder, "disks"),
      sockets: folder,
    });
    await engine.listen(join(folder, "engine.sock"));
    await call("POST", "/containers/create?name=sidecar", { Image: SIDECAR_IMAGE, Cmd: [] });
    const HostConfig = { NetworkMode: "container:sidecar" };
    await call("POST", "/containers/create?name=one", { Image: "image", HostConfig });
  });

  afterEach(async () => {
    await engine.close();
    for (const pid of findMarked(mark)) process.kill(pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  // An object that is reset while its container starts asks for the same again.
  it("starts a container once that is started twice at the same time", async () => {
    const start = () => call("POST", "/containers/one/start");
    expect(await Promise.all([start(), start()])).toEqual([204, 204]);
    expect(findMarked(mark)).toEqual(engine.running.map(({ pid }) => pid));
    await engine.kill("one");
    expect(findMarked(mark)).toEqual([]);
  });

  it("ends a container that is removed while it starts", async () => {
    await Promise.all([
      call("POST", "/containers/one/start"),
      call("DELETE", "/containers/one?force=true"),
    ]);
    expect(findMarked(mark)).toEqual([]);
    expect(engine.running).toEqual([]);
  });
});
