import { randomBytes } from "node:crypto";

import { unpackTar } from "modern-tar";
import { describe, expect, test, vi } from "vitest";

import { useStack } from "../support/stack.js";
import { createSession, list, read, seenByAgent, shell, turnOf } from "../support/workspace.js";

// Eight processes and three containers, one after the other.
vi.setConfig({ testTimeout: 300_000 });

describe.each([
  ["R2", "r2"],
  ["the session's own storage", "default"],
] as const)("files in %s", (_place, configuration) => {
  const edge = useStack(configuration);

  test("upload, turn, container destroyed, download, fork, both apart, rewind, tar", async () => {
    const session = await createSession(edge, "workspace-full");
    const large = randomBytes(9_000_000);
    await session.files.put("in/large.bin", large);
    await session.files.put("in/run.sh", "#!/bin/sh\necho run > ran.txt\n", { mode: 0o755 });

    const first = await turnOf(
      session,
      shell("in/run.sh && ln -s ran.txt link", "mkdir -p out && cp in/large.bin out/copy.bin"),
    );
    await edge.killContainerOf(session.id);

    expect(await list(session)).toEqual([
      "in/",
      "in/large.bin",
      "in/run.sh",
      "link",
      "out/",
      "out/copy.bin",
      "ran.txt",
    ]);
    expect(Buffer.from(await (await session.files.get("out/copy.bin")).bytes())).toEqual(large);
    expect(await read(session, "link")).toBe("run\n");
    expect(await edge.containerOf(session.id)).toBeUndefined();

    const fork = await session.fork();
    expect(await seenByAgent(fork, "cat link && cmp in/large.bin out/copy.bin && echo same")).toBe(
      "run\nsame",
    );
    await turnOf(fork, shell("echo fork > ran.txt"));
    const second = await turnOf(session, shell("echo origin > ran.txt && rm -r out"));
    expect(await read(fork, "ran.txt")).toBe("fork\n");
    expect(await read(session, "ran.txt")).toBe("origin\n");
    expect(await list(fork)).toContain("out/copy.bin");

    const changes = [];
    for await (const { change, path } of session.files.diff({ from: first.id, to: second.id })) {
      changes.push(`${change} ${path}`);
    }
    expect(changes).toEqual(["deleted out/copy.bin", "modified ran.txt"]);

    // In the container that is there, and then in another.
    expect(await session.rewind(first.id)).toMatchObject({ turn_id: first.id, changed: 2 });
    expect(await read(session, "ran.txt")).toBe("run\n");
    expect(await seenByAgent(session, "cat ran.txt && ls out")).toBe("run\ncopy.bin");
    await edge.killContainerOf(session.id);
    expect(await seenByAgent(session, "cat ran.txt && ls out")).toBe("run\ncopy.bin");
    expect(await read(fork, "ran.txt")).toBe("fork\n");

    const tar = await unpackTar(await session.files.tar("in"));
    expect(tar.map(({ header }) => [header.name, header.mode])).toEqual([
      ["large.bin", 0o644],
      ["run.sh", 0o755],
    ]);
    expect(Buffer.from(tar[0]!.data!).equals(large)).toBe(true);
  });
});
