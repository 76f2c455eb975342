import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { PROTOCOL_HEADER, PROTOCOL_VERSION } from "@claude-edge/protocol";
import { packTar, type TarEntry } from "modern-tar";
import { describe, expect, test } from "vitest";

import { useLoopback } from "./support/loopback.js";
import { useCli } from "./support/run.js";

const { empty, run } = useCli();
const { serve } = useLoopback();

const file = (name: string, body = "x"): TarEntry => ({
  header: { name, size: body.length, type: "file" },
  body,
});
const link = (name: string, linkname: string): TarEntry => ({
  header: { name, size: 0, type: "symlink", linkname },
});

/** Pulls what a server sends, who may be anybody. */
async function pull(tar: Uint8Array, { cut = false } = {}) {
  const url = await serve((_request, response) => {
    const headers = { "content-type": "application/x-tar", [PROTOCOL_HEADER]: PROTOCOL_VERSION };
    response.writeHead(200, headers);
    if (!cut) return response.end(tar);
    response.write(tar, () => setTimeout(() => response.destroy(), 50));
  });
  const parent = mkdtempSync(join(empty, "hostile-"));
  const cwd = join(parent, "in");
  const env = { CLAUDE_EDGE_URL: url, CLAUDE_EDGE_TOKEN: "key" };
  const args = ["files", "pull", randomUUID(), "in"];
  const result = await run(args, { cwd: parent, env });
  return { ...result, parent, cwd, found: existsSync(cwd) ? readdirSync(cwd).toSorted() : [] };
}

describe("a tar that is pulled", () => {
  test.each(["../out.txt", "/tmp/claude-edge-out.txt", "a/../../out.txt", "a/./b", "a//b"])(
    "with a file %s writes nothing",
    async (name) => {
      const { code, stderr, found, parent } = await pull(
        await packTar([file("good.txt"), file(name)]),
      );
      expect({ code, found }).toEqual({ code: 2, found: [] });
      expect(stderr).toContain("leads elsewhere");
      expect(readdirSync(parent)).toEqual(["in"]);
    },
  );

  test("with links that lead out is pulled without them", async () => {
    const { code, stderr, found, cwd } = await pull(
      await packTar([
        link("etc", "/etc"),
        link("up", "../.."),
        link("deep/er/root", "../.."),
        link("over", "deep/er/root/../x"),
        file("a.txt"),
        link("inside", "a.txt"),
      ]),
    );
    expect(code).toBe(0);
    for (const name of ["etc", "up", "over"]) {
      expect(stderr).toContain(`note: left out the link ${name}: it leads out of the folder`);
    }
    expect(found).toEqual(["a.txt", "deep", "inside"]);
    expect(readFileSync(join(cwd, "inside"), "utf8")).toBe("x");
  });

  test.each(["..", "src"])("that writes through a link of its own to %s is refused", async (to) => {
    const { code, stderr, found, parent } = await pull(
      await packTar([link("d", to), file("d/out.txt")]),
    );
    expect({ code, found }).toEqual({ code: 2, found: [] });
    expect(stderr).toContain("as two different things");
    expect(readdirSync(parent)).toEqual(["in"]);
  });

  test.each([0, 300, 512, 1_100])("that ends after %i bytes is not taken", async (bytes) => {
    const whole = await packTar([file("a.txt", "x".repeat(600))]);
    const { code, found } = await pull(whole.subarray(0, bytes));
    expect({ code, found }).toEqual({ code: 7, found: [] });
  });

  test("whose connection breaks off is not taken", async () => {
    const whole = await packTar([file("a.txt"), file("b.txt", "y".repeat(5_000))]);
    const { code, found } = await pull(whole.subarray(0, 2_000), { cut: true });
    expect({ code, found }).toEqual({ code: 7, found: [] });
  });

  test("that is none is refused", async () => {
    const { code, found } = await pull(
      Buffer.concat([Buffer.alloc(512, "z"), Buffer.alloc(1_024)]),
    );
    expect(code).not.toBe(0);
    expect(found).toEqual([]);
  });

  test("of nothing is an empty folder", async () => {
    const { code, stderr, found } = await pull(Buffer.alloc(1_024));
    expect({ code, found }).toEqual({ code: 0, found: [] });
    expect(stderr).toBe("pulled: 0 files (0 B) into in\n");
  });

  test("with a name of control characters spells them out", async () => {
    const { code, stderr } = await pull(await packTar([link("\u001b[2J", "/etc")]));
    expect(code).toBe(0);
    expect(stderr).toContain("\\u{1b}[2J");
    expect(stderr).not.toContain("\u001b");
  });
});
