import { existsSync, lstatSync, readdirSync } from "node:fs";

import { beforeEach, describe, expect, test } from "vitest";

import { blobStream, file, sha256 } from "../../test/support/entries.js";
import { LocalWorkspace } from "../../test/support/local-workspace.js";

let workspace: LocalWorkspace;
const at = (path: string) => workspace.at(path);
const read = (path: string) => workspace.read(path);

beforeEach(() => {
  workspace = new LocalWorkspace();
});

const withCode = (code: string) => expect.objectContaining({ code });

describe("a stream of blobs", () => {
  test("may come byte by byte", () => {
    workspace.put([file("a", "one"), file("b", "two")]);
    const bytes = [...blobStream("one", "two")].map((byte) => Buffer.from([byte]));
    expect(workspace.sendRaw(bytes)).toEqual([]);
    expect([read("a"), read("b")]).toEqual(["one", "two"]);
  });

  test("with another content than it says places nothing of that; what was right before it stays", () => {
    workspace.put([file("a", "one"), file("b", "two"), file("c", "three")]);
    const wrong = Buffer.from(blobStream("two").toString().replace(/two$/, "TWO"));
    const stream = [blobStream("one"), wrong, blobStream("three")];
    expect(() => workspace.sendRaw(stream)).toThrow(withCode("file_damaged"));
    expect(readdirSync(workspace.root)).toEqual(["a"]);
    expect(workspace.staged).toEqual([]);
    expect(workspace.checkpoint()).toBeUndefined();
    expect(workspace.send("two")).toEqual([sha256("three")]);
    expect(workspace.send("three")).toEqual([]);
  });

  test.each([
    ["a size that is not the file's", `{"sha256":"${sha256("one")}","size":4}\noneX`],
    ["an end in mid-blob", `{"sha256":"${sha256("one")}","size":3}\non`],
    ["an end in mid-head", `{"sha256":"${sha256("one")}"`],
  ])("with %s is refused", async (_what, text) => {
    workspace.put([file("a", "one")]);
    expect(() => workspace.sendRaw([Buffer.from(text)])).toThrow(withCode("file_damaged"));
    expect([readdirSync(workspace.root), workspace.staged]).toEqual([[], []]);
    expect(workspace.send("one")).toEqual([]);
  });

  test.each(["nonsense\n", "{}\n", `{"sha256":"../../a","size":1}\nx`, "x".repeat(5000)])(
    "whose head is none is refused: %.20j",
    (text) => {
      workspace.put([file("a", "one")]);
      expect(() => workspace.sendRaw([Buffer.from(text)])).toThrow(withCode("invalid_json"));
    },
  );

  test("with what nobody asked for is read and dropped", () => {
    expect(workspace.send("unknown")).toEqual([]);
    workspace.put([file("a", "one")]);
    expect(workspace.send("unknown", "one", "more")).toEqual([]);
    expect(readdirSync(workspace.root)).toEqual(["a"]);
  });

  test("that is cut leaves nothing half there, and can be sent again", () => {
    const large = "0123456789".repeat(300_000);
    workspace.put([file("large", large)]);
    const stream = blobStream(large);
    const cut = workspace.receive();
    cut.write(stream.subarray(0, 2_000_000));
    expect([workspace.staged.length, existsSync(at("large"))]).toEqual([1, false]);
    cut.drop();
    expect([workspace.staged.length, existsSync(at("large"))]).toEqual([0, false]);
    expect(workspace.send(large)).toEqual([]);
    expect(read("large")).toBe(large);
  });

  test("may come twice at once", () => {
    const large = "abcdefghij".repeat(200_000);
    workspace.put([file("large", large), file("again", large, 0o600)]);
    const stream = blobStream(large);
    const [first, second] = [workspace.receive(), workspace.receive()];
    for (const part of [stream.subarray(0, 1_000_000), stream.subarray(1_000_000)]) {
      first.write(part);
      second.write(part);
    }
    expect([first.end(), second.end()]).toEqual([[], []]);
    first.drop();
    second.drop();
    expect([read("large") === large, read("again") === large]).toEqual([true, true]);
    expect(lstatSync(at("again")).mode & 0o7777).toBe(0o600);
    expect(workspace.staged).toEqual([]);
  });
});
