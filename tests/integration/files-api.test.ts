import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";

import { unpackTar } from "modern-tar";
import { describe, expect, test } from "vitest";

import { filesOfNewSession, tarOf } from "../support/session-files.js";
import { useStack, type TestStack } from "../support/stack.js";

const ACCOUNT = "files-api";
const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");

const newSession = (edge: TestStack) => filesOfNewSession(edge, ACCOUNT);

describe.each([
  ["the session's own storage", "default"],
  ["R2", "r2"],
] as const)("files in %s, with no container", (_place, configuration) => {
  const edge = useStack(configuration);

  /** No container was started for the account. */
  async function expectNoContainer() {
    const status = await edge.fetch("/v1/status", { account: ACCOUNT });
    expect(await status.json()).toMatchObject({ container: { state: "asleep" } });
  }

  test("a session begins with none", async () => {
    const files = await newSession(edge);
    expect(await files.list()).toEqual({ checkpoint: 0, entries: [] });
    expect(await files.code(files.get("/files/a.txt"))).toBe("404 file_not_found");
    await expectNoContainer();
  });

  test("what is put is read again: text, nothing, a name in need of escapes, 20 MB", async () => {
    const files = await newSession(edge);
    const large = randomBytes(20 * 1024 * 1024);
    const contents: Record<string, string | Uint8Array<ArrayBuffer>> = {
      "notes/a.txt": "Hello",
      empty: "",
      "häßlich & ?/50%#1 ☃.txt": "☃",
      "large.bin": large,
    };
    for (const [path, body] of Object.entries(contents)) {
      const escaped = path.split("/").map(encodeURIComponent).join("/");
      const answer = await files.put(`/files/${escaped}`, body);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({
        changed: 1,
        entry: { path, type: "file", mode: 0o644, sha256: sha256(body) },
      });
      const read = await files.get(`/files/${escaped}`);
      expect(read.headers.get("etag")).toBe(`"${sha256(body)}"`);
      expect(read.headers.get("content-length")).toBe(String(Buffer.from(body).length));
      expect(Buffer.from(await read.arrayBuffer()).equals(Buffer.from(body))).toBe(true);
    }
    const { entries } = await files.list();
    expect(entries.map(({ path }) => path)).toEqual([
      "empty",
      "häßlich & ?",
      "häßlich & ?/50%#1 ☃.txt",
      "large.bin",
      "notes",
      "notes/a.txt",
    ]);
    await expectNoContainer();
  });

  test("a name with a line break in it is a name", async () => {
    const files = await newSession(edge);
    expect((await files.put("/files/two%0Alines.txt", "x")).status).toBe(200);
    expect(await (await files.get("/files/two%0Alines.txt")).text()).toBe("x");
  });

  test("a body without a stated length is taken", async () => {
    const files = await newSession(edge);
    const pieces = ["one ", "two ", "three"];
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(piece));
      },
    });
    expect((await files.put("/files/a.txt", body)).status).toBe(200);
    expect(await (await files.get("/files/a.txt")).text()).toBe("one two three");
  });

  test("ranges, ETags and HEAD", async () => {
    const files = await newSession(edge);
    const bytes = randomBytes(3_000_000);
    await files.put("/files/a.bin", bytes);
    const etag = `"${sha256(bytes)}"`;
    const cases: [string, number, number][] = [
      ["bytes=0-0", 0, 1],
      ["bytes=1000-1999", 1000, 2000],
      ["bytes=1048570-1048580", 1048570, 1048581],
      ["bytes=2999999-", 2999999, 3000000],
      ["bytes=-5", 2999995, 3000000],
      ["bytes=5-99999999", 5, 3000000],
    ];
    for (const [range, start, end] of cases) {
      const part = await files.get("/files/a.bin", { range });
      expect([range, part.status]).toEqual([range, 206]);
      expect(part.headers.get("content-range")).toBe(`bytes ${start}-${end - 1}/3000000`);
      const got = Buffer.from(await part.arrayBuffer());
      expect(got.equals(bytes.subarray(start, end))).toBe(true);
    }
    expect(await files.code(files.get("/files/a.bin", { range: "bytes=3000000-" }))).toBe(
      "416 range_not_satisfiable",
    );
    // What is no range counts as none.
    expect((await files.get("/files/a.bin", { range: "bytes=9-1" })).status).toBe(200);
    expect((await files.get("/files/a.bin", { "if-none-match": etag })).status).toBe(304);
    const range = "bytes=1-2";
    expect((await files.get("/files/a.bin", { range, "if-range": etag })).status).toBe(206);
    const other = await files.get("/files/a.bin", { range, "if-range": '"other"' });
    expect([other.status, (await other.arrayBuffer()).byteLength]).toEqual([200, bytes.length]);
    expect((await files.get("/files/a.bin", { "if-none-match": '"other"' })).status).toBe(200);
    const head = await files.head("/files/a.bin");
    expect([head.status, head.headers.get("content-length"), head.headers.get("etag")]).toEqual([
      200,
      "3000000",
      etag,
    ]);
  });

  test("a write can be held to what was there before", async () => {
    const files = await newSession(edge);
    const match = (text: string) => ({ "if-match": `"${sha256(text)}"` });
    expect((await files.put("/files/a", "1", { "if-none-match": "*" })).status).toBe(200);
    expect(await files.code(files.put("/files/a", "2", { "if-none-match": "*" }))).toBe(
      "412 file_changed",
    );
    expect((await files.put("/files/a", "2", match("1"))).status).toBe(200);
    expect(await files.code(files.put("/files/a", "3", match("1")))).toBe("412 file_changed");
    expect(await files.code(files.put("/files/b", "3", match("1")))).toBe("412 file_changed");
    expect(await (await files.get("/files/a")).text()).toBe("2");
    expect(await files.code(files.put("/files/a", "x", { "if-match": "x" }))).toBe(
      "400 invalid_request",
    );
  });

  test("the same again is no new checkpoint", async () => {
    const files = await newSession(edge);
    const first = (await (await files.put("/files/a", "1")).json()) as { checkpoint: number };
    const again = (await (await files.put("/files/a", "1")).json()) as object;
    expect(again).toMatchObject({ checkpoint: first.checkpoint, changed: 0 });
    const mode = (await (await files.put("/files/a?mode=755", "1")).json()) as object;
    expect(mode).toMatchObject({ changed: 1, entry: { mode: 0o755 } });
    // A mode that is not said stays.
    expect(await (await files.put("/files/a", "2")).json()).toMatchObject({
      entry: { mode: 0o755 },
    });
  });

  test("files and folders are deleted", async () => {
    const files = await newSession(edge);
    for (const path of ["a", "b/1", "b/c/2"]) await files.put(`/files/${path}`, path);
    expect(await files.code(files.remove("/files/nothing"))).toBe("404 file_not_found");
    expect(await files.code(files.remove("/files/b"))).toBe("409 not_a_file");
    expect((await files.remove("/files/a")).status).toBe(200);
    expect(await (await files.remove("/files/b?recursive=true")).json()).toMatchObject({
      changed: 2,
    });
    expect((await files.list()).entries).toEqual([]);
  });

  test.each([
    ["..%2fx", "400 path_invalid"],
    ["a%2f..%2f..%2fx", "400 path_invalid"],
    ["%2fetc%2fpasswd", "400 path_invalid"],
    ["a%2f%2fb", "400 path_invalid"],
    ["a%2f.%2fb", "400 path_invalid"],
    ["a%00b", "400 path_invalid"],
    ["%ff", "400 path_invalid"],
    ["a%2f", "400 path_invalid"],
    ["x".repeat(256), "400 path_invalid"],
  ])("the path %s is refused", async (path, code) => {
    const files = await newSession(edge);
    expect(await files.code(files.put(`/files/${path}`, "x"))).toBe(code);
    expect(await files.code(files.get(`/files/${path}`))).toBe(code);
    expect(await files.code(files.remove(`/files/${path}`))).toBe(code);
    expect((await files.list()).entries).toEqual([]);
  });

  test("a file is no folder, and a folder no file", async () => {
    const files = await newSession(edge);
    await files.put("/files/a", "1");
    await files.put("/files/b/c", "1");
    expect(await files.code(files.put("/files/a/b", "2"))).toBe("409 not_a_directory");
    expect(await files.code(files.put("/files/b", "2"))).toBe("409 not_a_file");
    expect(await files.code(files.get("/files/b"))).toBe("409 not_a_file");
    expect(await files.code(files.get("/files?path=nothing"))).toBe("404 file_not_found");
    expect((await files.list("path=a")).entries).toMatchObject([{ path: "a", type: "file" }]);
    expect((await files.list("path=b/")).entries).toMatchObject([{ path: "b/c" }]);
  });

  test("lists come in pages", async () => {
    const files = await newSession(edge);
    const names = Array.from({ length: 30 }, (_, index) => `d${index % 5}/f${index}`);
    await files.put("/tar", await tarOf(names.map((name) => ({ header: { name } }))));
    const all = (await files.list()).entries.map(({ path }) => path);
    expect(all).toHaveLength(35);
    const paged: string[] = [];
    let cursor = "";
    for (;;) {
      const page = await files.list(`recursive=true&limit=4${cursor}`);
      paged.push(...page.entries.map(({ path }) => path));
      if (page.next_cursor === undefined) break;
      cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
    }
    expect(paged).toEqual(all);
    expect((await files.list("path=d1")).entries).toHaveLength(6);
    const inside = await files.list("path=d1&limit=2");
    const next = await files.list(`path=d1&limit=9&cursor=${inside.next_cursor}`);
    expect([...inside.entries, ...next.entries]).toHaveLength(6);
    expect(await files.code(files.get("/files?limit=0"))).toBe("400 invalid_request");
    expect(await files.code(files.get("/files?recursive=perhaps"))).toBe("400 invalid_request");
  });

  test("a tar goes in and comes out the same: links, empty folders, modes, long names", async () => {
    const files = await newSession(edge);
    const deep = `${"d".repeat(90)}/${"e".repeat(90)}/${"ü".repeat(80)}.txt`;
    const large = "x".repeat(2_500_000);
    await files.put(
      "/tar?path=in",
      await tarOf([
        { header: { name: "./", type: "directory" } },
        { header: { name: "run.sh", mode: 0o4755 }, body: "#!/bin/sh" },
        { header: { name: "nothing/", type: "directory", mode: 0o700 } },
        { header: { name: "link", type: "symlink", linkname: "run.sh" } },
        { header: { name: "up", type: "symlink", linkname: "../in/run.sh" } },
        { header: { name: deep }, body: "deep" },
        { header: { name: "large" }, body: large },
      ]),
    );
    const tar = await files.get("/tar?path=in");
    expect(tar.headers.get("content-type")).toBe("application/x-tar");
    const entries = await unpackTar(tar.body as ReadableStream<Uint8Array>);
    const told = entries.map(({ header: { name, type, mode, linkname }, data }) => ({
      name,
      type,
      mode,
      ...(linkname ? { linkname } : {}),
      ...(type === "file" ? { data: sha256(data!) } : {}),
    }));
    expect(told).toEqual([
      { name: `${"d".repeat(90)}/`, type: "directory", mode: 0o755 },
      { name: `${"d".repeat(90)}/${"e".repeat(90)}/`, type: "directory", mode: 0o755 },
      { name: deep, type: "file", mode: 0o644, data: sha256("deep") },
      { name: "large", type: "file", mode: 0o644, data: sha256(large) },
      { name: "link", type: "symlink", mode: 0o777, linkname: "run.sh" },
      { name: "nothing/", type: "directory", mode: 0o700 },
      { name: "run.sh", type: "file", mode: 0o755, data: sha256("#!/bin/sh") },
      { name: "up", type: "symlink", mode: 0o777, linkname: "../in/run.sh" },
    ]);
    // Links are followed as far as they stay inside.
    expect(await (await files.get("/files/in/up")).text()).toBe("#!/bin/sh");
  });

  test.each([
    ["what is no tar", async () => new TextEncoder().encode("x".repeat(2_000))],
    ["a path out", () => tarOf([{ header: { name: "ok" } }, { header: { name: "../x" } }])],
    ["an absolute path", () => tarOf([{ header: { name: "/etc/x" } }])],
    ["a link out", () => tarOf([{ header: { name: "a", type: "symlink", linkname: "../x" } }])],
    ["a link to /", () => tarOf([{ header: { name: "a", type: "symlink", linkname: "/etc" } }])],
    ["a device", () => tarOf([{ header: { name: "a", type: "character-device" } }])],
    ["a pipe", () => tarOf([{ header: { name: "a", type: "fifo" } }])],
    ["a hard link", () => tarOf([{ header: { name: "a", type: "link", linkname: "b" } }])],
  ])("a tar with %s is refused whole", async (_what, tar) => {
    const files = await newSession(edge);
    await files.put("/files/before", "1");
    const code = await files.code(files.put("/tar", (await tar()) as Uint8Array<ArrayBuffer>));
    expect(code).toBe("400 tar_invalid");
    expect((await files.list()).entries.map(({ path }) => path)).toEqual(["before"]);
  });

  test("a tar that is cut off is refused whole", async () => {
    const files = await newSession(edge);
    const tar = await tarOf([
      { header: { name: "a" }, body: "1" },
      { header: { name: "b" }, body: "x".repeat(5_000) },
    ]);
    const code = await files.code(files.put("/tar", tar.slice(0, 2_048)));
    expect(code).toBe("400 tar_invalid");
    expect((await files.list()).entries).toEqual([]);
  });

  test("names that differ in case or form are different names", async () => {
    const files = await newSession(edge);
    const names = ["A.txt", "a.txt", "\u00e9", "e\u0301"];
    for (const name of names) await files.put(`/files/${encodeURIComponent(name)}`, name);
    for (const name of names) {
      expect(await (await files.get(`/files/${encodeURIComponent(name)}`)).text()).toBe(name);
    }
    expect((await files.list()).entries).toHaveLength(4);
  });

  test("states are compared and gone back to", async () => {
    const files = await newSession(edge);
    const number = async (answer: Promise<Response>) =>
      ((await (await answer).json()) as { checkpoint: number }).checkpoint;
    const first = await number(files.put("/files/a", "1"));
    await files.put("/files/b/c", "1");
    const second = await number(files.put("/files/a", "2"));
    await files.remove("/files/b?recursive=true");
    const diff = async (query: string) =>
      (
        (await (await files.get(`/diff?${query}`)).json()) as {
          changes: { path: string; change: string }[];
        }
      ).changes.map(({ path, change }) => `${change} ${path}`);
    expect(await diff("")).toEqual(["added a"]);
    expect(await diff(`from=${first}&to=${second}`)).toEqual(["modified a", "added b/c"]);
    expect(await diff(`from=${second}`)).toEqual(["deleted b/c"]);
    expect(await diff(`from=${second}&to=0`)).toEqual(["deleted a", "deleted b/c"]);
    expect(await (await files.get(`/files/a?at=${first}`)).text()).toBe("1");
    expect(await files.code(files.get("/files/a?at=999"))).toBe("404 checkpoint_not_found");
    expect(await files.code(files.get("/files?at=nothing"))).toBe("404 checkpoint_not_found");
    const rewind = async () =>
      (
        await edge.fetch(`/v1/sessions/${files.id}/rewind`, {
          account: ACCOUNT,
          json: { turn_id: null },
          headers: { "idempotency-key": `back ${files.id}`.replace(" ", "-") },
        })
      ).json();
    expect(await rewind()).toMatchObject({ turn_id: null, changed: 1 });
    expect(await rewind()).toMatchObject({ turn_id: null, changed: 0 });
    expect((await files.list()).entries).toEqual([]);
    const checkpoints = await (await files.get("/checkpoints")).json();
    expect(checkpoints).toMatchObject({
      checkpoints: [
        { reason: "rewind", files: 0 },
        { reason: "write", files: 1 },
        { reason: "write", files: 2 },
        { reason: "write", files: 2 },
        { reason: "write", files: 1, bytes: 1, changed: 1 },
      ],
    });
  });

  test("a fork has the files, and the two go apart", async () => {
    const files = await newSession(edge);
    await files.put("/files/a", "1");
    const session = edge.client(ACCOUNT).sessions.open(files.id);
    const fork = await session.fork();
    const other = (path: string, init: RequestInit = {}) =>
      edge.fetch(`/v1/sessions/${fork.id}/files/${path}`, {
        account: ACCOUNT,
        method: "GET",
        ...init,
      });
    expect(await (await other("a")).text()).toBe("1");
    await other("a", { method: "PUT", body: "2" });
    await files.put("/files/b", "3");
    expect(await (await other("a")).text()).toBe("2");
    expect(await (await files.get("/files/a")).text()).toBe("1");
    expect((await other("b")).status).toBe(404);
    await session.delete();
    expect(await (await other("a")).text()).toBe("2");
  });

  test("another session's and another account's files are not there", async () => {
    const files = await newSession(edge);
    await files.put("/files/a", "1");
    const answer = await edge.fetch(`/v1/sessions/${files.id}/files/a`, {
      account: "files-api-other",
    });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: { code: "session_not_found" } });
  });

  test("too large a body is refused before it is read", async () => {
    const files = await newSession(edge);
    const answer = await new Promise<string>((resolve, reject) => {
      const sent = request(
        `${edge.stack.url}/v1/sessions/${files.id}/files/a`,
        {
          method: "PUT",
          headers: {
            authorization: `Bearer ${edge.stack.token}`,
            "x-account-id": ACCOUNT,
            "content-length": String(100 * 1024 * 1024 + 1),
          },
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
          response.on("end", () => resolve(`${response.statusCode} ${text}`));
        },
      );
      sent.on("error", reject).write("x".repeat(1_000));
    });
    expect(answer).toMatch(/^413 .*"file_too_large"/);
  });
});
