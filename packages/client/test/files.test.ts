import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

import {
  AbortError,
  ApiError,
  ClaudeEdgeError,
  ConnectionError,
  ProtocolError,
  TimeoutError,
  type FileEntry,
  type FileProgress,
} from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import { all, deployment, error, failureOf, HEADERS, requests, SESSION } from "./deployment.js";

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");
const json = (response: ServerResponse, body: unknown) =>
  response
    .writeHead(200, { ...HEADERS, "content-type": "application/json" })
    .end(JSON.stringify(body));
const WRITTEN = { checkpoint: 7, changed: 1 };

/** A file's answer, with whatever else a test wants of it. */
const file = (response: ServerResponse, data: string | Uint8Array, headers = {}, status = 200) =>
  response.writeHead(status, {
    ...HEADERS,
    "content-type": "application/octet-stream",
    "content-length": String(data.length),
    etag: `"${sha256(data)}"`,
    "x-file-mode": "755",
    "x-checkpoint": "5",
    ...headers,
  });

/** A deployment whose answers a test gives, and the files of a session on it. */
async function filesOf(...[handle, options]: Parameters<typeof deployment>) {
  const edge = await deployment(handle, { maxRetries: 0, ...options });
  return edge.sessions.open(SESSION).files;
}

const entry = (path: string): FileEntry => ({ path, type: "file", mode: 0o644, size: 1 });
const BASE = `/v1/sessions/${SESSION}`;

describe("a list", () => {
  test("goes through its pages, all of the state that the first is of", async () => {
    const files = await filesOf((response, _request, count) =>
      json(response, {
        checkpoint: 4,
        entries: [entry(`${count}a`), entry(`${count}b`)],
        ...(count < 3 && { next_cursor: `c${count}` }),
      }),
    );
    const paths = (await all(files.list("src/", { recursive: true, at: "t1" }))).map(
      ({ path }) => path,
    );
    expect(paths).toEqual(["1a", "1b", "2a", "2b", "3a", "3b"]);
    expect(requests.map(({ url }) => url)).toEqual([
      `${BASE}/files?path=src&recursive=true&at=t1`,
      `${BASE}/files?path=src&recursive=true&at=4&cursor=c1`,
      `${BASE}/files?path=src&recursive=true&at=4&cursor=c2`,
    ]);
  });

  test("ends at its limit, and asks for no more than is left of it", async () => {
    const files = await filesOf((response, _request, count) =>
      json(response, {
        checkpoint: 4,
        entries: [entry(`${count}a`), entry(`${count}b`)],
        next_cursor: "c",
      }),
    );
    expect(await all(files.list("", { limit: 3 }))).toHaveLength(3);
    expect(requests.map(({ url }) => url)).toEqual([
      `${BASE}/files?limit=3`,
      `${BASE}/files?at=4&cursor=c&limit=1`,
    ]);
    expect(await all(files.list("", { limit: 0 }))).toEqual([]);
    expect(requests).toHaveLength(2);
  });

  test("of changes and of checkpoints", async () => {
    const files = await filesOf((response, { url }) =>
      url!.includes("/diff")
        ? json(response, { from: 0, to: 9, changes: [{ path: "a", change: "added" }] })
        : json(response, { checkpoints: [{ checkpoint: 9 }, { checkpoint: 4 }] }),
    );
    expect(await all(files.diff({ from: 0, to: "t" }))).toEqual([{ path: "a", change: "added" }]);
    expect(await all(files.checkpoints({ limit: 1 }))).toEqual([{ checkpoint: 9 }]);
    expect(requests.map(({ url }) => url)).toEqual([
      `${BASE}/diff?from=0&to=t`,
      `${BASE}/checkpoints?limit=1`,
    ]);
  });

  test("that is none is an error", async () => {
    const files = await filesOf((response) => json(response, { entries: [{}] }));
    for (const list of [files.list(), files.diff(), files.checkpoints()]) {
      expect(await failureOf(list.next())).toBeInstanceOf(ProtocolError);
    }
  });
});

describe("a path", () => {
  test("goes into the URL segment by segment", async () => {
    const files = await filesOf((response) => json(response, WRITTEN));
    await files.delete("a b/c#d?e%2F\\f/ü.txt", { recursive: true });
    expect(requests[0]!.url).toBe(
      `${BASE}/files/a%20b/c%23d%3Fe%252F%5Cf/%C3%BC.txt?recursive=true`,
    );
  });

  test.each(["", "/etc/passwd", "../x", "a/../b", "a/./b", ".", "..", "a//b", "a/", "\ud800"])(
    "%j is refused before anything is sent",
    async (path) => {
      const files = await filesOf((response) => json(response, WRITTEN));
      const calls = [files.get(path), files.put(path, "x"), files.delete(path)];
      for (const call of calls) {
        const failure = await failureOf(call);
        expect(failure).toBeInstanceOf(ClaudeEdgeError);
        expect(failure).toMatchObject({ code: "path_invalid", retryable: false });
      }
      expect(requests).toEqual([]);
    },
  );
});

describe("a download", () => {
  test("is a file with what is known of it", async () => {
    const files = await filesOf((response) => file(response, "hello").end("hello"));
    const found = await files.get("a.txt", { at: 5 });
    expect(found).toMatchObject({
      path: "a.txt",
      size: 5,
      sha256: sha256("hello"),
      mode: 0o755,
      checkpoint: 5,
    });
    expect(await found.text()).toBe("hello");
    expect(requests[0]!.url).toBe(`${BASE}/files/a.txt?at=5`);
    const again = await files.get("a.txt");
    expect(new TextDecoder().decode(await again.bytes())).toBe("hello");
  });

  test("of nothing", async () => {
    const files = await filesOf((response) => file(response, "").end());
    expect(await (await files.get("empty")).bytes()).toEqual(new Uint8Array(0));
  });

  test("of a part says how large the whole is", async () => {
    const ranges: (string | undefined)[] = [];
    const files = await filesOf((response, { headers }) => {
      ranges.push(headers.range);
      const part = { "content-length": "3", "content-range": "bytes 1-3/5" };
      file(response, "hello", part, 206).end("ell");
    });
    const part = await files.get("a.txt", { range: { start: 1, end: 4 } });
    expect(part.size).toBe(5);
    expect(await part.text()).toBe("ell");
    await (await files.get("a.txt", { range: { start: 2 } })).bytes();
    await (await files.get("a.txt", { range: { start: -3 } })).bytes();
    expect(ranges).toEqual(["bytes=1-3", "bytes=2-", "bytes=-3"]);
    for (const range of [{ start: 3, end: 3 }, { start: -3, end: 5 }, { start: 0.5 }]) {
      const failure = await failureOf(files.get("a.txt", { range }));
      expect(failure).toMatchObject({ code: "invalid_request" });
    }
  });

  test("of an unchanged file gives nothing", async () => {
    const known = sha256("hello");
    const files = await filesOf((response, { headers }) =>
      headers["if-none-match"] === `"${known}"`
        ? response.writeHead(304, { ...HEADERS, etag: `"${known}"` }).end()
        : file(response, "hello").end("hello"),
    );
    expect(await files.get("a.txt", { ifNoneMatch: known })).toBeUndefined();
    const changed = await files.get("a.txt", { ifNoneMatch: sha256("other") });
    expect(await changed?.text()).toBe("hello");
  });

  test("tells how far it has come", async () => {
    const files = await filesOf((response) => {
      file(response, "hello").write("he");
      setTimeout(() => response.end("llo"), 50);
    });
    const seen: FileProgress[] = [];
    await (await files.get("a.txt", { onProgress: (progress) => seen.push(progress) })).bytes();
    expect(seen.at(-1)).toEqual({ bytes: 5, total: 5 });
    expect(seen.length).toBeGreaterThan(1);
  });

  test.each([
    ["is closed", (response: ServerResponse) => response.destroy()],
    ["is reset", (response: ServerResponse) => response.socket!.resetAndDestroy()],
  ])("whose connection %s breaks off, by whatever it is read", async (_how, cut) => {
    const files = await filesOf((response) => {
      file(response, "hello").write("he");
      setTimeout(() => cut(response), 30);
    });
    expect(await failureOf((await files.get("a.txt")).text())).toBeInstanceOf(ConnectionError);
    const { stream } = await files.get("a.txt");
    const failure = await failureOf(all(stream));
    expect(failure).toBeInstanceOf(ConnectionError);
    expect(failure).toMatchObject({ retryable: true, message: expect.stringContaining("2 of 5") });
  });

  test("that a fetch ends early, as if it were whole, is an error", async () => {
    const headers = new Headers({
      ...HEADERS,
      "content-type": "application/octet-stream",
      "content-length": "5",
      etag: `"${sha256("hello")}"`,
    });
    const files = await filesOf(() => {}, { fetch: async () => new Response("he", { headers }) });
    const failure = await failureOf(all((await files.get("a.txt")).stream));
    expect(failure).toBeInstanceOf(ConnectionError);
  });

  test("with other bytes than its SHA-256 is of is an error", async () => {
    const files = await filesOf((response) => file(response, "hello").end("hallo"));
    const failure = await failureOf((await files.get("a.txt")).text());
    expect(failure).toBeInstanceOf(ConnectionError);
    expect(failure!.message).toContain("SHA-256");
  });

  test("that falls silent is too late", async () => {
    const files = await filesOf((response) => file(response, "hello").write("he"), {
      idleTimeout: 50,
    });
    const failure = await failureOf((await files.get("a.txt")).text());
    expect(failure).toBeInstanceOf(TimeoutError);
    expect(failure).toMatchObject({ phase: "idle" });
  });

  test("ends by its signal, and by the time that all of a call may take", async () => {
    const stall = (response: ServerResponse) => file(response, "hello").write("he");
    const files = await filesOf(stall);
    const stop = new AbortController();
    const opened = await files.get("a.txt", { signal: stop.signal });
    setTimeout(() => stop.abort(), 30);
    expect(await failureOf(opened.text())).toBeInstanceOf(AbortError);
    const hurried = await filesOf(stall, { totalTimeout: 50 });
    const late = await failureOf(hurried.get("a.txt").then((found) => found.text()));
    expect(late).toMatchObject({ name: "TimeoutError", phase: "total" });
  });

  test("that is left drops its connection", async () => {
    const closed = Promise.withResolvers<void>();
    const files = await filesOf((response) => {
      response.on("close", closed.resolve);
      file(response, "hello").write("he");
    });
    await (await files.get("a.txt")).stream.cancel();
    await expect(closed.promise).resolves.toBeUndefined();
  });

  test("that is no file is an error", async () => {
    const files = await filesOf((response, _request, count) => {
      if (count === 1) return error(response, 404, "file_not_found", false);
      if (count === 2) return file(response, "x", { etag: "x" }).end("x");
      return file(response, "x", { "content-type": "text/html" }).end("x");
    });
    expect(await failureOf(files.get("a"))).toBeInstanceOf(ApiError);
    expect(await failureOf(files.get("a"))).toBeInstanceOf(ProtocolError);
    expect(await failureOf(files.get("a"))).toBeInstanceOf(ProtocolError);
  });
});

describe("an upload", () => {
  /** A deployment that takes what comes. */
  async function taking(failures = 0, options = {}) {
    const bodies: Buffer[] = [];
    const headers: IncomingMessage["headers"][] = [];
    const files = await filesOf(
      async (response, request, count) => {
        headers.push(request.headers);
        bodies.push(await buffer(request));
        if (count <= failures) error(response, 503, "container_unavailable", true);
        else json(response, WRITTEN);
      },
      {
        maxRetries: 2,
        random: () => 1,
        clock: { now: Date.now, sleep: async () => {} },
        ...options,
      },
    );
    return { files, bodies, headers };
  }

  const large = Buffer.alloc(3 * 1024 * 1024, "0123456789");
  const streamOf = (data: Uint8Array) => new Blob([data as BlobPart]).stream();

  test.each([
    ["text", () => "grün", Buffer.from("grün")],
    ["bytes", () => new Uint8Array([0, 255, 1]), Buffer.from([0, 255, 1])],
    [
      "part of a buffer",
      () => new Uint8Array([9, 0, 255, 9]).subarray(1, 3),
      Buffer.from([0, 255]),
    ],
    ["a buffer", () => new Uint8Array([0, 255]).buffer, Buffer.from([0, 255])],
    ["a blob", () => new Blob(["blob"], { type: "text/plain" }), Buffer.from("blob")],
    ["nothing", () => "", Buffer.alloc(0)],
    ["a stream", () => streamOf(Buffer.from("streamed")), Buffer.from("streamed")],
    ["much", () => large, large],
    ["a long stream", () => streamOf(large), large],
  ])("of %s arrives as it is", async (_what, data, expected) => {
    const { files, bodies, headers } = await taking();
    const seen: FileProgress[] = [];
    const options = { mode: 0o755, onProgress: (progress: FileProgress) => seen.push(progress) };
    expect(await files.put("a.bin", data(), options)).toEqual(WRITTEN);
    expect(bodies[0]!.equals(expected)).toBe(true);
    expect(headers[0]).toMatchObject({ "content-type": "application/octet-stream" });
    expect(requests[0]).toMatchObject({ method: "PUT", url: `${BASE}/files/a.bin?mode=755` });
    expect(seen.at(-1)?.bytes ?? 0).toBe(expected.length);
  });

  test("goes only over what it is to go over", async () => {
    const { files, headers } = await taking();
    await files.put("a", "x", { ifMatch: "ab" });
    await files.put("a", "x", { ifNoneMatch: "*" });
    await files.put("a", "x");
    expect(headers.map((of) => [of["if-match"], of["if-none-match"]])).toEqual([
      ['"ab"', undefined],
      [undefined, "*"],
      [undefined, undefined],
    ]);
  });

  test("is sent again after a passing failure, whole", async () => {
    const { files, bodies } = await taking(2);
    await files.put("a", large);
    expect(bodies.map((body) => body.equals(large))).toEqual([true, true, true]);
  });

  test("of a stream is sent once", async () => {
    const { files } = await taking(2);
    const failure = await failureOf(files.put("a", streamOf(large)));
    expect(failure).toMatchObject({ code: "container_unavailable", retryable: true });
    expect(requests).toHaveLength(1);
  });

  test("may take as long as it goes on", async () => {
    const { files, bodies } = await taking(0, { headersTimeout: 150 });
    let sent = 0;
    const slow = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        if ((sent += 1) > 6) controller.close();
        else controller.enqueue(new Uint8Array([sent]));
      },
    });
    await files.put("a", slow);
    expect(bodies[0]).toEqual(Buffer.from([1, 2, 3, 4, 5, 6]));
  });

  test("ends by its signal", async () => {
    const { files } = await taking();
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 30);
    const stalled = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
    const failure = await failureOf(files.put("a", stalled, { signal: stop.signal }));
    expect(failure).toBeInstanceOf(AbortError);
  });

  test("of a tar goes into a folder", async () => {
    const { files, headers } = await taking();
    expect(await files.putTar(streamOf(large), { path: "src" })).toEqual(WRITTEN);
    expect(requests[0]).toMatchObject({ method: "PUT", url: `${BASE}/tar?path=src` });
    expect(headers[0]).toMatchObject({ "content-type": "application/x-tar" });
  });
});

test("a session goes back to a turn, and a fork begins at one", async () => {
  const bodies: unknown[] = [];
  const edge = await deployment(async (response, request) => {
    bodies.push(JSON.parse((await buffer(request)).toString()));
    if (request.url!.endsWith("/rewind")) {
      return json(response, { turn_id: null, checkpoint: 9, changed: 2 });
    }
    json(response, { id: SESSION, status: "idle", options: {}, last_seq: 0 });
  });
  const session = edge.sessions.open(SESSION);
  expect(await session.rewind(null)).toEqual({ turn_id: null, checkpoint: 9, changed: 2 });
  await session.rewind("t1");
  await session.fork({ turnId: "t1" });
  expect(bodies).toEqual([{ turn_id: null }, { turn_id: "t1" }, { turn_id: "t1" }]);
  expect(requests.every(({ key }) => key)).toBe(true);
});
