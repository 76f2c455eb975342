import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { until } from "../../../tests/support/wait.js";
import { blobStream, file, sha256, TestRunner, type TestSession } from "./support/runner.js";

let runner: TestRunner;
let session: TestSession;
const at = (path: string) => join(session.root, path);
const read = (path: string) => readFileSync(at(path), "utf8");
const modeOf = (path: string) => lstatSync(at(path)).mode & 0o7777;

beforeAll(async () => {
  process.umask(0o022);
  runner = new TestRunner();
  await runner.launch();
});
afterAll(() => runner.close());
beforeEach(() => {
  session = runner.session();
});
// What one session has, another is not asked for.
afterEach(() => session.remove());

/** Nothing is left of what was on its way. */
const staged = () => {
  const folder = join(runner.folder, "workspace/.staging", session.id);
  return existsSync(folder) ? readdirSync(folder) : [];
};

describe("a stream of blobs", () => {
  test("may be split anywhere", async () => {
    const contents = ["one", "", "three\n{}", "\n"];
    const whole = blobStream(...contents);
    const entries = contents.map((content, index) => file(`f${index}`, content));
    for (let split = 0; split <= whole.length; split += 1) {
      await session.remove();
      expect((await session.put(entries)).missing).toHaveLength(contents.length);
      const answer = await session.sendRaw([whole.subarray(0, split), whole.subarray(split)]);
      expect(answer).toEqual({ status: 200, missing: [] });
      for (const [index, content] of contents.entries()) expect(read(`f${index}`)).toBe(content);
    }
  });

  test("may come byte by byte", async () => {
    await session.put([file("a", "one"), file("b", "two")]);
    const bytes = [...blobStream("one", "two")].map((byte) => Buffer.from([byte]));
    expect(await session.sendRaw(bytes)).toEqual({ status: 200, missing: [] });
    expect([read("a"), read("b")]).toEqual(["one", "two"]);
  });

  test("with another content than it says places nothing of that; what was right before it stays", async () => {
    await session.put([file("a", "one"), file("b", "two"), file("c", "three")]);
    const wrong = Buffer.from(blobStream("two").toString().replace(/two$/, "TWO"));
    const stream = [blobStream("one"), wrong, blobStream("three")];
    expect(await session.sendRaw(stream)).toMatchObject({ status: 500, error: "file_damaged" });
    expect(readdirSync(session.root)).toEqual(["a"]);
    expect(staged()).toEqual([]);
    expect(await session.checkpoint()).toBeUndefined();
    expect(await session.send("two")).toMatchObject({ missing: [sha256("three")] });
    expect(await session.send("three")).toMatchObject({ missing: [] });
  });

  test.each([
    ["a size that is not the file's", `{"sha256":"${sha256("one")}","size":4}\noneX`],
    ["an end in mid-blob", `{"sha256":"${sha256("one")}","size":3}\non`],
    ["an end in mid-head", `{"sha256":"${sha256("one")}"`],
  ])("with %s is refused", async (_what, text) => {
    await session.put([file("a", "one")]);
    expect(await session.sendRaw([Buffer.from(text)])).toMatchObject({
      status: 500,
      error: "file_damaged",
    });
    expect([readdirSync(session.root), staged()]).toEqual([[], []]);
    expect(await session.send("one")).toMatchObject({ missing: [] });
  });

  test.each(["nonsense\n", "{}\n", `{"sha256":"../../a","size":1}\nx`, "x".repeat(5000)])(
    "whose head is none is refused: %.20j",
    async (text) => {
      await session.put([file("a", "one")]);
      expect(await session.sendRaw([Buffer.from(text)])).toMatchObject({
        status: 400,
        error: "invalid_json",
      });
    },
  );

  test("with what nobody asked for is read and dropped", async () => {
    expect(await session.send("unknown")).toEqual({ status: 200, missing: [] });
    await session.put([file("a", "one")]);
    expect(await session.send("unknown", "one", "more")).toEqual({ status: 200, missing: [] });
    expect(readdirSync(session.root)).toEqual(["a"]);
  });

  test("that is cut leaves nothing half there, and can be sent again", async () => {
    const large = "0123456789".repeat(300_000);
    await session.put([file("large", large)]);
    const stream = blobStream(large);
    const sent = request({
      socketPath: runner.socketPath,
      method: "PUT",
      path: `/sessions/${session.id}/workspace/blobs`,
    });
    sent.on("error", () => {});
    sent.write(stream.subarray(0, 2_000_000));
    await until("the blob is on its way", () => staged().length === 1);
    expect(existsSync(at("large"))).toBe(false);
    sent.destroy();
    await until("it is gone", () => staged().length === 0);
    expect(existsSync(at("large"))).toBe(false);
    expect(await session.send(large)).toEqual({ status: 200, missing: [] });
    expect(read("large")).toBe(large);
  });

  test("may come twice at once", async () => {
    const large = "abcdefghij".repeat(200_000);
    await session.put([file("large", large), file("again", large, 0o600)]);
    const answers = await Promise.all([session.send(large), session.send(large)]);
    expect(answers.map(({ missing }) => missing)).toEqual([[], []]);
    expect([read("large") === large, read("again") === large]).toEqual([true, true]);
    expect(modeOf("again")).toBe(0o600);
    expect(staged()).toEqual([]);
  });
});
