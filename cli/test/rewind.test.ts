import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { EdgeEvent } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import { linesOf, useSessions } from "./support/sessions.js";

const { edge, empty, cli, sessions } = useSessions();

/** A session with two turns, each of which has written a file. */
async function twoTurns(account: string) {
  const session = await edge
    .client(account)
    .sessions.create({ permissionMode: "bypassPermissions" });
  const turns = [];
  for (const name of ["one", "two"]) {
    const command = JSON.stringify({ command: `echo ${name} > ${name}.txt` });
    turns.push(await session.send(`%tool Bash ${command}\n%say Wrote ${name}.`));
  }
  return { session, first: turns[0]!.turnId, second: turns[1]!.turnId };
}

const files = async (account: string, id: string, ...flags: string[]) =>
  (await cli(account, ["files", "ls", id, ...flags])).stdout.match(/\w+\.txt/g);

describe("claude-edge sessions rewind", () => {
  test("takes files and memory back to the end of a turn", async () => {
    const { session, first, second } = await twoTurns("turn");
    const { id } = session;
    expect(await files("turn", id)).toEqual(["one.txt", "two.txt"]);
    expect(await sessions("turn", ["rewind", id, first.slice(0, 8)])).toEqual({
      code: 0,
      stdout: "",
      stderr: `rewound to the end of turn ${first}: 1 path changed\n`,
    });
    expect(await files("turn", id)).toEqual(["one.txt"]);
    expect(await files("turn", id, "--at", second.slice(0, 8))).toEqual(["one.txt", "two.txt"]);

    const shown = await sessions("turn", ["show", id]);
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).toContain("turns        2, 1 of them rewound and not shown\n");
    expect(shown.stdout).toContain("Wrote one.");
    expect(shown.stdout).not.toContain("Wrote two.");
    const [json] = linesOf<{ turns: { id: string; rewound?: true }[] }>(
      (await sessions("turn", ["show", id, "--json"])).stdout,
    );
    expect(json!.turns.map(({ id: turn, rewound }) => [turn, rewound])).toEqual([
      [first, undefined],
      [second, true],
    ]);
    const events = linesOf<EdgeEvent>((await sessions("turn", ["events", id])).stdout);
    expect(events.at(-1)).toMatchObject({ kind: "rewind", to_turn_id: first });
    expect(events.filter(({ kind }) => kind === "checkpoint").length).toBeGreaterThanOrEqual(2);
  });

  test("to the beginning", async () => {
    const { session } = await twoTurns("start");
    const { stdout } = await sessions("start", ["rewind", session.id, "--to-start", "--json"]);
    expect(linesOf(stdout)).toMatchObject([{ turn_id: null, changed: 2 }]);
    expect(await files("start", session.id)).toBeNull();
    const shown = await sessions("start", ["show", session.id]);
    expect(shown.stdout).toContain("turns        2, 2 of them rewound and not shown\n");
  });

  test("wants one of turn and --to-start, and a turn that there is", async () => {
    const { session } = await twoTurns("usage");
    for (const args of [[], ["abcdef01", "--to-start"]]) {
      expect(await sessions("usage", ["rewind", session.id, ...args])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("--to-start"),
      });
    }
    expect(await sessions("usage", ["rewind", session.id, "abcdef01"])).toMatchObject({ code: 5 });
  });

  test("a fork begins at the end of a turn, with its files", async () => {
    const { session, first } = await twoTurns("fork");
    const { stdout } = await sessions("fork", ["fork", session.id, "--turn", first.slice(0, 8)]);
    expect(await files("fork", stdout.trim())).toEqual(["one.txt"]);
    expect(await files("fork", session.id)).toEqual(["one.txt", "two.txt"]);
    const both = ["fork", session.id, "--turn", first, "--at", "x"];
    expect(await sessions("fork", both)).toMatchObject({ code: 2 });
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
    const { code, stdout } = await cli("files", args, { cwd });
    expect(code).toBe(0);
    const lines = linesOf<{ type: string; session_id: string }>(stdout);
    expect(stdout).toContain("6291456 attachments/large.bin");
    expect(stdout).toContain("7 attachments/note.txt");
    const shown = await sessions("files", ["show", lines.at(-1)!.session_id]);
    expect(shown.stdout).toContain("note.txt");
  });

  test("goes with the prompt of a session that is there", async () => {
    const session = await edge.client("resume").sessions.create();
    const resumed = await sessions("resume", ["resume", session.id, "%say Hi.", "-f", "note.txt"], {
      cwd,
    });
    expect(resumed).toMatchObject({ code: 0, stdout: "Hi.\n" });
    const { stdout } = await cli("resume", ["files", "ls", session.id, "attachments"]);
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
