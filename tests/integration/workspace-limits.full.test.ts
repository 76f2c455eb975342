import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, test } from "vitest";

import { useR2Project } from "../support/use-project.js";
import { useOwnStack, useStack } from "../support/stack.js";
import {
  checkpointsIn,
  createSession,
  killContainers,
  list,
  read,
  seenByAgent,
  shell,
  turnOf,
} from "../support/workspace.js";

const MIB = 1024 * 1024;

/** Random bytes written by the agent's own shell. */
const fill = (path: string, mib: number) => `head -c ${mib * MIB} /dev/urandom > ${path}`;

describe("a session's own storage that is full", () => {
  const edge = useOwnStack({ vars: { CLAUDE_EDGE_SQLITE_FILES_MIB: "8" } });

  test("refuses what is put, and says how to add R2; other sessions have room", async () => {
    const [one, two] = [await createSession(edge, "full"), await createSession(edge, "full")];
    await one.files.put("a", randomBytes(6 * MIB));
    const refused = await one.files.put("b", randomBytes(3 * MIB)).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "storage_full", status: 507, retryable: false });
    expect((refused as { suggestion: string }).suggestion).toContain('"binding": "FILES"');
    expect(await list(one)).toEqual(["a"]);
    await one.files.put("small", "1");
    await two.files.put("b", randomBytes(7 * MIB));
  });

  test("a turn goes on, says so, and is stored as soon as there is room", async () => {
    const session = await createSession(edge, "turn");
    const { events } = await turnOf(
      session,
      shell("echo 1 > a", `${fill("large", 12)} && echo 2 > a`, "echo 3 > a", "rm large"),
    );
    expect(checkpointsIn(events)).toEqual([1, "storage_full", "storage_full", 1]);
    const failed = events.find((event) => event.kind === "checkpoint" && event.error);
    expect(failed).toMatchObject({ error: { suggestion: expect.stringContaining("FILES") } });
    expect(await list(session)).toEqual(["a"]);
    expect(await read(session, "a")).toBe("3\n");
  });

  test("what could not be stored is lost with the container, and nothing else is", async () => {
    const session = await createSession(edge, "lost");
    await turnOf(session, shell("echo 1 > a"));
    await turnOf(session, shell(`${fill("large", 12)} && echo 2 > a`));
    expect(await read(session, "a")).toBe("1\n");
    await killContainers(edge);
    expect(await seenByAgent(session, "ls && cat a")).toBe("a\n1");
  });
});

describe("a workspace", () => {
  const edge = useStack();

  test("of more files than can be kept says so, and is kept again when they are fewer", async () => {
    const session = await createSession(edge, "workspace-limits-many");
    const { events } = await turnOf(
      session,
      shell(
        "echo 1 > a",
        "mkdir many && (cd many && seq 100001 | xargs touch) && echo 2 > a",
        "rm -r many",
      ),
    );
    expect(checkpointsIn(events)).toEqual([1, "workspace_too_large", 1]);
    expect(await read(session, "a")).toBe("2\n");
    expect(await list(session)).toEqual(["a"]);
  });

  test("holds what shells make: links out, pipes, closed and odd names", async () => {
    const session = await createSession(edge, "workspace-limits-odd");
    const { events } = await turnOf(
      session,
      shell(
        [
          "ln -s /etc/passwd out && ln -s .. up && ln -s nowhere broken",
          "mkfifo pipe && mkdir empty",
          "printf x > $'new\\nline' && printf x > '--help' && printf x > 'a b'",
          "printf 1 > $'bad\\xff'",
          "printf nfc > $'\\u00e9' && printf nfd > $'e\\u0301'",
          "chmod 000 'a b' && chmod 700 -- --help",
        ].join(" && "),
      ),
    );
    const told = events.find((event) => event.kind === "checkpoint");
    expect(told).toMatchObject({
      checkpoint: {
        skipped: expect.arrayContaining([
          { path: "pipe", reason: "special" },
          { path: "bad\ufffd", reason: "name" },
        ]),
      },
    });
    await edge.killContainerOf(session.id);
    expect((await list(session)).toSorted()).toEqual(
      [
        "--help",
        "a b",
        "broken",
        "e\u0301",
        "empty/",
        "new\nline",
        "out",
        "up",
        "\u00e9",
      ].toSorted(),
    );
    for (const path of ["out", "up", "broken"]) {
      const code = path === "broken" ? "file_not_found" : "not_a_file";
      await expect(session.files.get(path)).rejects.toMatchObject({ code });
    }
    const seen = await seenByAgent(
      session,
      "readlink out up broken; stat -c %a 'a b' ./--help; cat $'\\u00e9' $'e\\u0301'; ls | wc -l",
    );
    expect(seen).toBe("/etc/passwd\n..\nnowhere\n0\n700\nnfcnfd10");
  });
});

describe("a content that is not what was stored", () => {
  const persist = mkdtempSync(join(tmpdir(), "damage-"));
  afterAll(() => rmSync(persist, { recursive: true, force: true }));
  const edge = useOwnStack({ project: useR2Project(), persist });

  /** Changes a byte of what miniflare has of a content, as a failing disk would. */
  function damage(content: Buffer) {
    const files = readdirSync(persist, { recursive: true, encoding: "utf8" })
      .filter((name) => name.includes("/r2/"))
      .map((name) => join(persist, name))
      .filter((path) => statSync(path).isFile());
    for (const path of files) {
      const bytes = readFileSync(path);
      const at = bytes.indexOf(content);
      if (at < 0) continue;
      bytes[at] = bytes[at]! ^ 1;
      writeFileSync(path, bytes);
      return;
    }
    throw new Error("the content was not found");
  }

  test("is never given out for it; written again it is whole", async () => {
    const session = await createSession(edge, "damage");
    const content = randomBytes(5_000);
    await session.files.put("good", "good");
    await session.files.put("dir/bad", content);
    damage(content);
    const download = session.files.get("dir/bad").then((file) => file.bytes());
    await expect(download).rejects.toMatchObject({ retryable: expect.anything() });
    const failed = await session
      .send(shell("cat good"))
      .result()
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({
      code: "file_damaged",
      retryable: false,
      details: { paths: ["dir/bad"] },
    });
    expect(await read(session, "good")).toBe("good");
    await session.files.put("dir/bad", content);
    const seen = await seenByAgent(session, "cat good && sha256sum dir/bad | cut -c1-64");
    expect(seen).toBe(`good${createHash("sha256").update(content).digest("hex")}`);
  });
});
