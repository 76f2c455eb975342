import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";

import { ClaudeEdge, ConnectionError } from "@claude-edge/client";
import { unpackTar } from "modern-tar";
import { describe, expect, test } from "vitest";

import { until } from "../support/wait.js";
import { useStack, type TestStack } from "../support/stack.js";

const ACCOUNT = "export";

/** More than is on its way at once. */
const data = randomBytes(20 * 1024 * 1024);

async function large(edge: TestStack) {
  const session = await edge.client(ACCOUNT).sessions.create();
  await session.files.put("large.bin", data);
  return session;
}

describe.each([
  ["the session's own storage", "default"],
  ["R2", "r2"],
] as const)("an export, with files in %s", (_place, configuration) => {
  const edge = useStack(configuration);

  test("has all that was stored", async () => {
    const session = await large(edge);
    await session.files.put("empty/nothing.txt", "");
    const entries = await unpackTar(await buffer(await session.export()), { strict: true });
    expect(entries.map(({ header }) => header.name).slice(4)).toEqual([
      "files/",
      "files/empty/",
      "files/empty/nothing.txt",
      "files/large.bin",
    ]);
    expect(Buffer.from(entries.at(-1)!.data!).equals(data)).toBe(true);
  });
});

describe("an export that is being read", () => {
  const edge = useStack();

  async function read(tar: ReadableStream<Uint8Array>, onFirst: () => Promise<void>) {
    let isFirst = true;
    for await (const _piece of tar) {
      if (isFirst) await onFirst();
      isFirst = false;
    }
  }

  test("breaks off when the session is deleted", async () => {
    const session = await large(edge);
    const reading = read(await session.export(), () => session.delete());
    await expect(reading).rejects.toBeInstanceOf(ConnectionError);
    await until("it is gone", async () => {
      const answer = await edge.fetch(`/v1/sessions/${session.id}/export`, { account: ACCOUNT });
      return answer.status === 404;
    });
  });

  test("breaks off when its token is revoked", async () => {
    const session = await large(edge);
    const { token, id } = await edge.client(ACCOUNT).tokens.create({
      scopes: ["sessions:read", "files"],
      sessionId: session.id,
    });
    const theirs = new ClaudeEdge({ baseURL: edge.stack.url, token }).sessions.open(session.id);
    const revoke = async () => void (await edge.client(ACCOUNT).tokens.revoke(id));
    await expect(read(await theirs.export(), revoke)).rejects.toBeInstanceOf(ConnectionError);
  });
});
