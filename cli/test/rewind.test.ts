import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { EdgeEvent } from "@claude-edge/client";
import { beforeAll, describe, expect, test } from "vitest";

import { linesOf, useSessions } from "./support/sessions.js";

const { edge, empty, cli, sessions } = useSessions("rewind");

/** A session with two turns, each of which has written a file. */
let [id, first, second] = ["", "", ""];
beforeAll(async () => {
  const session = await edge
    .client("main")
    .sessions.create({ permissionMode: "bypassPermissions" });
  const turns = [];
  for (const name of ["one", "two"]) {
    const command = JSON.stringify({ command: `echo ${name} > ${name}.txt` });
    turns.push((await session.send(`%tool Bash ${command}\n%say Wrote ${name}.`)).turnId);
  }
  [id, first, second] = [session.id, turns[0]!, turns[1]!];
});

const files = async (session: string, ...flags: string[]) =>
  (await cli("main", ["files", "ls", session, ...flags])).stdout.match(/\w+\.txt/g);

describe("claude-edge sessions rewind", () => {
  test("wants one of turn and --to-start, and a turn that there is", async () => {
    for (const args of [[], ["abcdef01", "--to-start"]]) {
      expect(await sessions("main", ["rewind", id, ...args])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("--to-start"),
      });
    }
    expect(await sessions("main", ["rewind", id, "abcdef01"])).toMatchObject({ code: 5 });
  });

  test("a fork begins at the end of a turn, with its files", async () => {
    const { stdout } = await sessions("main", ["fork", id, "--turn", first.slice(0, 8)]);
    expect(await files(stdout.trim())).toEqual(["one.txt"]);
    expect(await files(id)).toEqual(["one.txt", "two.txt"]);
    const both = ["fork", id, "--turn", first, "--at", "x"];
    expect(await sessions("main", both)).toMatchObject({ code: 2 });
  });

  test("takes files and memory back to the end of a turn, and to the beginning", async () => {
    expect(await files(id)).toEqual(["one.txt", "two.txt"]);
    expect(await sessions("main", ["rewind", id, first.slice(0, 8)])).toEqual({
      code: 0,
      stdout: "",
      stderr: `rewound to the end of turn ${first}: 1 path changed\n`,
    });
    expect(await files(id)).toEqual(["one.txt"]);
    expect(await files(id, "--at", second.slice(0, 8))).toEqual(["one.txt", "two.txt"]);

    const shown = await sessions("main", ["show", id]);
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).toContain("turns        2, 1 of them rewound and not shown\n");
    expect(shown.stdout).toContain("Wrote one.");
    expect(shown.stdout).not.toContain("Wrote two.");
    const [json] = linesOf<{ turns: { id: string; rewound?: true }[] }>(
      (await sessions("main", ["show", id, "--json"])).stdout,
    );
    expect(json!.turns.map(({ id: turn, rewound }) => [turn, rewound])).toEqual([
      [first, undefined],
      [second, true],
    ]);
    const events = linesOf<EdgeEvent>((await sessions("main", ["events", id])).stdout);
    expect(events.at(-1)).toMatchObject({ kind: "rewind", to_turn_id: first });
    expect(events.filter(({ kind }) => kind === "checkpoint").length).toBeGreaterThanOrEqual(2);

    const { stdout } = await sessions("main", ["rewind", id, "--to-start", "--json"]);
    expect(linesOf(stdout)).toMatchObject([{ turn_id: null, changed: 1 }]);
    expect(await files(id)).toBeNull();
    expect((await sessions("main", ["show", id])).stdout).toContain(
      "turns        2, 2 of them rewound and not shown\n",
    );
  });
});

describe("claude-edge query --file", () => {
  const cwd = mkdtempSync(join(empty, "attach-"));
  writeFileSync(join(cwd, "note.txt"), "a note\n");
  writeFileSync(join(cwd, "large.bin"), new Uint8Array(6 * 1024 * 1024));

  test("puts the file into the session's workspace", async () => {
    const list = '%tool Bash {"command":"wc -c attachments/*"}\n%say Seen.';
    const flags = ["--permission-mode", "bypassPermissions", "--output-format", "stream-json"];
    const args = ["query", list, "-f", "note.txt", "--file", "large.bin", ...flags];
    const { code, stdout } = await cli("main", args, { cwd });
    expect(code).toBe(0);
    const lines = linesOf<{ type: string; session_id: string }>(stdout);
    expect(stdout).toContain("6291456 attachments/large.bin");
    expect(stdout).toContain("7 attachments/note.txt");
    const shown = await sessions("main", ["show", lines.at(-1)!.session_id]);
    expect(shown.stdout).toContain("note.txt");
  });

  test("goes with the prompt of a session that is there", async () => {
    const resumed = await sessions("main", ["resume", id, "%say Hi.", "-f", "note.txt"], { cwd });
    expect(resumed).toMatchObject({ code: 0, stdout: "Hi.\n" });
    const { stdout } = await cli("main", ["files", "ls", id, "attachments"]);
    expect(stdout).toContain("note.txt");
  });

  test.each([
    [["nope.txt"], "There is no nope.txt"],
    [["."], "is a folder"],
    [["note.txt", "./note.txt"], "two of them are called note.txt"],
  ])("%j is refused before anything is sent", async (paths, message) => {
    const flags = paths.flatMap((path) => ["--file", path]);
    const result = await cli("refused", ["query", "%say Hi.", ...flags], { cwd });
    expect(result).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
    expect((await sessions("refused", ["--json"])).stdout).toBe("");
  });
});
