import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { randomUUID } from "node:crypto";

import type { EdgeEvent, SessionResource } from "@claude-edge/client";
import type { TurnResource } from "@claude-edge/protocol";
import { beforeAll, describe, expect, test } from "vitest";

import { useFront } from "./support/front.js";
import { asTerminal, inputOf, Output, start } from "./support/world.js";
import { linesOf, useSessions } from "./support/sessions.js";

const { edge, sessions, empty, envOf, cliProcess } = useSessions("export");
const front = useFront(() => edge.stack.url);

const folder = () => mkdtempSync(join(empty, "export-"));
const read = (...path: string[]) => readFileSync(join(...path), "utf8");

/** A session with a file of ours and one of its agent's. */
let id: string;
beforeAll(async () => {
  const session = await edge
    .client("main")
    .sessions.create({ title: "Plans", permissionMode: "bypassPermissions" });
  id = session.id;
  await session.files.put("bin/run.sh", "exit 0\n", { mode: 0o755 });
  const command = "mkdir -p out && echo made > 'out/ü 1.txt' && ln -s out/ü\\ 1.txt link";
  await session.send(`%tool Bash ${JSON.stringify({ command })}\n%say Done.`);
});

describe("claude-edge sessions export", () => {
  test("saves a tar that any tar unpacks: the session, its turns, events, transcript and files", async () => {
    const cwd = folder();
    const result = await sessions("main", ["export", id.slice(0, 8), "-o", "s.tar"], { cwd });
    expect(result).toMatchObject({ code: 0, stdout: "" });
    expect(result.stderr).toMatch(/^exported: s\.tar \(\d+ kB\)\n$/);
    mkdirSync(join(cwd, "s"));
    execFileSync("tar", ["-xf", "s.tar", "-C", "s"], { cwd });
    expect(readdirSync(cwd).toSorted()).toEqual(["s", "s.tar"]);

    const session = edge.client("main").sessions.open(id);
    const told = JSON.parse(read(cwd, "s/session.json")) as SessionResource;
    expect(told).toEqual(await session.retrieve());
    const turns = linesOf<TurnResource>(read(cwd, "s/turns.ndjson"));
    expect(turns).toMatchObject([{ status: "completed", result: { text: "Done." } }]);
    const events = linesOf<EdgeEvent>(read(cwd, "s/events.ndjson"));
    expect(events.at(-1)!.seq).toBe(told.last_seq);
    const listed = linesOf<EdgeEvent>((await sessions("main", ["events", id])).stdout);
    expect(events).toEqual(listed.filter(({ kind }) => kind !== "delta"));
    const transcript = linesOf<{ entry: { sessionId?: string } }>(read(cwd, "s/transcript.ndjson"));
    expect(transcript.some(({ entry }) => entry.sessionId === id)).toBe(true);
    expect(read(cwd, "s/files/link")).toBe("made\n");
    expect(read(cwd, "s/files/out/ü 1.txt")).toBe("made\n");
    expect(statSync(join(cwd, "s/files/bin/run.sh")).mode & 0o777).toBe(0o755);
  });

  test("goes to standard output where that is no terminal", async () => {
    const { code, stdout, stderr } = await cliProcess("main", ["sessions", "export", id]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const listed = execFileSync("tar", ["-tf", "-"], { input: stdout, encoding: "utf8" });
    expect(listed.split("\n").slice(0, 5)).toEqual([
      "session.json",
      "turns.ndjson",
      "events.ndjson",
      "transcript.ndjson",
      "files/",
    ]);
  });

  test("is not written to a terminal", async () => {
    for (const args of [[], ["-o", "-"]]) {
      const env = { ...envOf("main"), NO_COLOR: "1" };
      const [stdout, stderr] = [asTerminal(new Output(), env), new Output()];
      const world = { stdin: inputOf(), stdout, stderr, env, cwd: empty };
      expect(await start(["sessions", "export", id, ...args], world).ended).toBe(2);
      expect(stdout.text).toBe("");
      expect(stderr.text).toContain("--output");
    }
  });

  test("overwrites nothing unless told", async () => {
    const cwd = folder();
    writeFileSync(join(cwd, "s.tar"), "mine");
    const again = (...flags: string[]) =>
      sessions("main", ["export", id, "-o", "s.tar", ...flags], { cwd });
    expect(await again()).toMatchObject({ code: 2, stderr: expect.stringContaining("--force") });
    expect(read(cwd, "s.tar")).toBe("mine");
    expect(await again("--force")).toMatchObject({ code: 0 });
    expect(read(cwd, "s.tar")).not.toBe("mine");
  });

  test("that breaks off leaves no file behind, and says so", async () => {
    const cwd = folder();
    const whole = await edge.fetch(`/v1/sessions/${id}/export`, { account: "main" });
    const tar = Buffer.from(await whole.arrayBuffer());
    front.onRequest = (_line, response) => {
      response.writeHead(200, Object.fromEntries(whole.headers));
      response.end(tar.subarray(0, -600));
      return true;
    };
    const env = { CLAUDE_EDGE_URL: front.url };
    const saved = await sessions("main", ["export", id, "-o", "s.tar"], { cwd, env });
    expect(saved).toMatchObject({ code: 7, stderr: expect.stringContaining("broke off") });
    expect(readdirSync(cwd)).toEqual([]);
    const piped = await sessions("main", ["export", id], { cwd, env });
    expect(piped).toMatchObject({ code: 7, stderr: expect.stringContaining("broke off") });
  });

  test("of what is not there", async () => {
    const cwd = folder();
    const missing = await sessions("main", ["export", randomUUID(), "-o", "s.tar"], { cwd });
    expect(missing).toMatchObject({ code: 5, stdout: "" });
    expect(readdirSync(cwd)).toEqual([]);
  });
});
