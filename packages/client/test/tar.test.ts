import type { ServerResponse } from "node:http";

import { ConnectionError, ProtocolError, type FileProgress } from "@claude-edge/client";
import { createTarPacker, packTar } from "modern-tar";
import { describe, expect, test } from "vitest";

import { all, deployment, failureOf, HEADERS, requests, SESSION } from "./deployment.js";

const BASE = `/v1/sessions/${SESSION}`;

/** The files of a session on a deployment whose answers a test gives. */
async function filesOf(...[handle, options]: Parameters<typeof deployment>) {
  const edge = await deployment(handle, { maxRetries: 0, ...options });
  return edge.sessions.open(SESSION).files;
}

describe("a tar", () => {
  const tar = (response: ServerResponse, data: Uint8Array) =>
    response.writeHead(200, { ...HEADERS, "content-type": "application/x-tar" }).end(data);

  const END = 1_024;
  const whole = packTar([
    { header: { name: `${"deep/".repeat(60)}a.txt`, size: 5 }, body: "hello" },
    { header: { name: "zeros", size: 5_000 }, body: new Uint8Array(5_000) },
    { header: { name: "empty", size: 0 } },
    { header: { name: "link", size: 0, type: "symlink", linkname: "zeros" } },
    { header: { name: "last", size: 512 }, body: new Uint8Array(512) },
  ]);

  test("is streamed up to its end mark", async () => {
    const bytes = Buffer.from(await whole);
    const files = await filesOf((response) => tar(response, bytes));
    const pieces = await all(await files.tar("src", { at: 3 }));
    expect(Buffer.concat(pieces)).toEqual(bytes);
    expect(requests[0]!.url).toBe(`${BASE}/tar?path=src&at=3`);
  });

  test("of a session itself is held to the same", async () => {
    const bytes = Buffer.from(await whole);
    const edge = await deployment((response, _request, count) =>
      tar(response, count === 1 ? bytes : bytes.subarray(0, -600)),
    );
    const session = edge.sessions.open(SESSION);
    const told: FileProgress[] = [];
    const stream = await session.export({ onProgress: (progress) => told.push(progress) });
    expect(Buffer.concat(await all(stream))).toEqual(bytes);
    expect(told.at(-1)).toEqual({ bytes: bytes.length, total: undefined });
    expect(requests[0]!.url).toBe(`${BASE}/export`);
    expect(await failureOf(all(await session.export()))).toBeInstanceOf(ConnectionError);
  });

  test("may come in any pieces", async () => {
    const bytes = Buffer.from(await whole);
    for (const size of [1, 511, 513, 1_000]) {
      let at = 0;
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        pull(controller) {
          if (at >= bytes.length) return controller.close();
          controller.enqueue(bytes.subarray(at, (at += size)));
        },
      });
      const headers = { ...HEADERS, "content-type": "application/x-tar" };
      const files = await filesOf(() => {}, {
        fetch: () => Promise.resolve(new Response(body, { headers })),
      });
      expect(Buffer.concat(await all(await files.tar()))).toEqual(bytes);
    }
  });

  test("that ends before its end mark has broken off, also in the middle of zeros", async () => {
    const bytes = Buffer.from(await whole);
    const missing = [1, 512, END - 1, END, END + 1, END + 300, END + 512, 3_500, 5_000];
    for (const count of missing) {
      const files = await filesOf((response) => tar(response, bytes.subarray(0, -count)));
      const failure = await failureOf(all(await files.tar()));
      expect({ count, failure }).toEqual({ count, failure: expect.any(ConnectionError) });
    }
  });

  test("is known by its headers, with the size of a file over 8 GiB too", async () => {
    const { readable, controller } = createTarPacker();
    const huge = 9 * 1024 ** 3;
    void controller.add({ name: "huge", size: huge });
    const reader = readable.getReader();
    const headers: Uint8Array[] = [];
    while (headers.length < 4) headers.push((await reader.read()).value!);
    const broken = Buffer.concat([...headers, Buffer.alloc(4_096)]);
    for (const [bytes, kind] of [
      [broken, ConnectionError],
      [Buffer.alloc(2_048, "x"), ProtocolError],
    ] as const) {
      const files = await filesOf((response) => tar(response, bytes));
      expect(await failureOf(all(await files.tar()))).toBeInstanceOf(kind);
    }
  });
});
