import { randomUUID } from "node:crypto";

import type { EdgeEvent, SessionResource } from "@claude-edge/client";
import { PROTOCOL_HEADER, PROTOCOL_VERSION } from "@claude-edge/protocol";
import { beforeAll, describe, expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { BASH, COMMAND, tool } from "./support/approvals.js";
import { CTRL_C, ENTER } from "./support/keys.js";
import { useFront } from "./support/front.js";
import { linesOf, useSessions } from "./support/sessions.js";
import { openScreen } from "./support/terminal.js";

const { edge, empty, envOf, cli, sessions, made, talked, isThere } = useSessions("sessions");
const front = useFront(() => edge.stack.url);

/** One that asks; it is deleted in the end. */
let asking: string;
/** A session in which something was said: its process is warm. */
let mia: string;
beforeAll(async () => {
  mia = await talked("main", "My cat is called Mia.");
});

describe("claude-edge sessions list", () => {
  test("is a table of what was last used, the newest first", async () => {
    expect(await sessions("table", [])).toEqual({
      code: 0,
      stdout: "",
      stderr: "no sessions yet: claude-edge query begins one\n",
    });
    const client = edge.client("table");
    const old = await client.sessions.create({ title: "Old", tags: ["docs", "v2"] });
    const evil = await client.sessions.create({ title: `\u001b[2JNew\nline ${"x".repeat(150)}` });
    const { code, stdout, stderr } = await sessions("table", []);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n")).toEqual([
      expect.stringMatching(/^ID +STATUS +ACTIVE +TAGS +TITLE$/),
      expect.stringMatching(/^\w{8} +idle +\ds ago +- +\\u\{1b\}\[2JNew line x+$/),
      expect.stringMatching(/^\w{8} +idle +\ds ago +docs, v2 +Old$/),
      "",
    ]);
    expect(stdout.split("\n")[1]).toContain(evil.id.slice(0, 8));
    await old.files.put("a.txt", "used");
    expect((await sessions("table", ["list"])).stdout.split("\n")[1]).toContain("docs, v2");
  });

  test("shows 20, or as many as asked for, or all; and says when there are more", async () => {
    const client = edge.client("many");
    const ids = Array.from({ length: 103 }, () => randomUUID());
    const [oldest, ...others] = ids;
    await client.sessions.create({ id: oldest });
    await Promise.all(others.map((id) => client.sessions.create({ id })));
    const listed = async (...flags: string[]) => {
      const { stdout, stderr } = await sessions("many", ["list", "--json", ...flags]);
      return { count: linesOf<SessionResource>(stdout).length, stderr };
    };
    const note = (count: number) =>
      `note: these are the newest ${count}; --limit <number> or --all shows more\n`;
    expect(await listed()).toEqual({ count: 20, stderr: note(20) });
    expect(await listed("--limit", "101")).toEqual({ count: 101, stderr: note(101) });
    expect(await listed("--limit", "103")).toEqual({ count: 103, stderr: "" });
    expect(await listed("--all")).toEqual({ count: 103, stderr: "" });
    // The beginning of an id is looked for on every page.
    const last = await sessions("many", ["show", oldest!.slice(0, 13)]);
    expect(last).toMatchObject({ code: 0, stdout: expect.stringContaining(oldest!) });
  });

  test.each([
    [["--limit", "0"], "must be a positive number"],
    [["--limit", "2.5"], "must be a whole number"],
    [["--limit", "5", "--all"], "cannot be used with"],
    [["extra"], "unknown command 'extra'"],
  ])("%j is refused", async (args, message) => {
    const result = await sessions("refused", args[0] === "extra" ? args : ["list", ...args]);
    expect(result).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
  });

  test("a session that is in it twice does no harm", async () => {
    // It comes to that when it is used while the list is read, and the deployment's clock was set back.
    const { id } = await edge.client("again").sessions.create();
    const list = await (await edge.fetch("/v1/sessions", { account: "again" })).json();
    const { sessions: found } = list as { sessions: SessionResource[] };
    front.onRequest = (_line, response) => {
      const headers = { "content-type": "application/json", [PROTOCOL_HEADER]: PROTOCOL_VERSION };
      response.writeHead(200, headers).end(JSON.stringify({ sessions: [...found, ...found] }));
      return true;
    };
    const { code, stdout } = await sessions("again", [], { env: { CLAUDE_EDGE_URL: front.url } });
    expect(code).toBe(0);
    expect(stdout.match(new RegExp(`^${id.slice(0, 8)} `, "gm"))).toHaveLength(2);
  });

  test("cuts ids no shorter than tells them apart", async () => {
    const ids = ["a", "b"].map((last) => `00000000-0000-4000-8000-00000000000${last}`);
    for (const id of ids) await edge.client("alike").sessions.create({ id });
    const { stdout } = await sessions("alike", []);
    for (const id of ids) expect(stdout).toContain(`${id} `);
    expect(await sessions("alike", ["show", "00000000-0000"])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("2 sessions begin with 00000000-0000"),
    });
  });
});

describe("the id of a session", () => {
  const COMMANDS = [
    ["show"],
    ["resume", "Hello"],
    ["fork"],
    ["rename", "Title"],
    ["export"],
    ["expire", "12h"],
    ["delete", "--yes"],
    ["events"],
    ["events", "--follow"],
  ];

  test.each(COMMANDS)("%s takes none but the account's own", async (command, ...rest) => {
    const id = await made("mine");
    for (const given of [
      id,
      id.slice(0, 8),
      randomUUID(),
      id.slice(0, 7),
      "nope",
      "..",
      "a/b",
      "",
    ]) {
      const result = await sessions("theirs", [command!, given, ...rest]);
      expect({ given, ...result }).toMatchObject({ given, code: 5, stdout: "" });
      expect(result.stderr).toContain("`claude-edge sessions` lists the account's sessions");
    }
    expect(await isThere("mine", id)).toBe(true);
  });

  test("may be its beginning, in capitals too, and query -r takes it as well", async () => {
    const short = mia.slice(0, 8);
    expect((await sessions("main", ["resume", short, "And now?"])).stdout).toContain("Mia");
    const query = await cli("main", ["query", "-r", short.toUpperCase(), "And now?"]);
    expect(query).toMatchObject({ code: 0, stdout: expect.stringContaining("Mia") });
    const unknown = ["query", "-r", "ffffffff", "Hi", "--output-format", "json"];
    const missing = await cli("main", unknown);
    expect(missing.code).toBe(5);
    expect(JSON.parse(missing.stdout)).toMatchObject({ error: { code: "session_not_found" } });
  });
});

describe("claude-edge sessions show", () => {
  test("tells what it is, and what was asked, done and said", async () => {
    const account = "main";
    const session = await edge.client(account).sessions.create({
      title: "Tour",
      tags: ["a"],
      model: "claude-haiku-4-5",
      permissionMode: "bypassPermissions",
    });
    await session.send(`${tool("Bash", { command: "exit 3" })}%say First\u001b[2J.`);
    await session
      .send("%error 401")
      .result()
      .catch(() => {});
    await session.send("%say Third.");
    const { code, stdout, stderr } = await sessions(account, ["show", session.id]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [head, ...turns] = stdout.split("\n\n");
    const rows = Object.fromEntries(
      head!.split("\n").map((row) => [row.slice(0, 13).trim(), row.slice(13)]),
    );
    expect(rows).toEqual({
      session: session.id,
      title: "Tour",
      status: "idle",
      tags: "a",
      created: expect.stringMatching(/^\d{4}-.*Z \(\d+s ago\)$/),
      active: expect.stringMatching(/^\d{4}-.*Z \(\d+s ago\)$/),
      model: "claude-haiku-4-5",
      permissions: "bypassPermissions",
      turns: "3",
      used: expect.stringMatching(/^\$\d\.\d{4}, \d+ tokens in, \d+ out$/),
    });
    expect(turns[0]).toMatch(
      /^> %tool Bash {"command":"exit 3"}\n> %say First\\u{1b}\[2J.\n {2}Bash exit 3\n {4}Exit code 3\nFirst\\u{1b}\[2J.\n {2}turn \w{8}, [\d.]+ m?s, \$\d\.\d{4}$/,
    );
    expect(turns[1]).toMatch(/^> %error 401\n[^]*^failed: .+$/m);
    expect(turns[2]).toMatch(
      /^> %say Third\.\nThird\.\n {2}turn \w{8}, [\d.]+ m?s, \$\d\.\d{4}\n$/,
    );

    const last = await sessions(account, ["show", session.id, "--last", "1"]);
    expect(last.stdout.split("\n\n").slice(1)).toEqual([turns[2]]);
    expect(last.stderr).toBe("note: these are the last 1 of 3 turns; --last shows more\n");

    const json = await sessions(account, ["show", session.id, "--json", "--last", "2"]);
    const [line, ...others] = linesOf<{
      session: SessionResource;
      figures: { turns: number; cost_usd: number };
      turns: unknown[];
    }>(json.stdout);
    expect(others).toEqual([]);
    const { session: shown, figures, turns: told } = line!;
    expect(shown).toMatchObject({ id: session.id, title: "Tour" });
    expect(figures).toEqual({ turns: 3, cost_usd: expect.any(Number) });
    expect(told).toMatchObject([
      { status: "failed", prompt: "%error 401", error: { code: "model_auth_failed" } },
      { status: "completed", prompt: "%say Third.", steps: [{ type: "text", text: "Third." }] },
    ]);
  });

  test("a session without turns, and a fork", async () => {
    const { id } = await edge.client("bare").sessions.create();
    const { stdout } = await sessions("bare", ["show", id]);
    expect(stdout).toMatch(/^turns +0$/m);
    expect(stdout).not.toMatch(/^(title|used|model|tags|forked from) /m);
    const fork = await sessions("bare", ["fork", id]);
    expect(fork).toMatchObject({ code: 0, stderr: "" });
    const told = await sessions("bare", ["show", fork.stdout.trim()]);
    expect(told.stdout).toContain(`forked from  ${id}\n`);
  });

  test("what it waits for, and how to answer it", async () => {
    const client = edge.client("main");
    const session = await client.sessions.create({ permissionMode: "default", canUseTool: true });
    asking = session.id;
    session
      .send(BASH)
      .result()
      .catch(() => {});
    const [request] = await until("a request", async () => {
      const pending = await client.requests.list({ sessionId: session.id });
      return pending.length > 0 && pending;
    });
    const { stdout } = await sessions("main", ["show", session.id]);
    const short = request!.id.slice(0, 8);
    expect(stdout).toContain(`Bash ${COMMAND}: claude-edge requests answer ${short}\n`);
    const account = ["--account", envOf("main").CLAUDE_EDGE_ACCOUNT!];
    const elsewhere = await sessions("another", ["show", session.id, ...account]);
    expect(elsewhere.stdout).toContain(`requests answer ${short} ${account.join(" ")}\n`);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("running");
    await session.interrupt();
    await until("the end", async () => (await session.retrieve()).status === "idle");
    const after = await sessions("main", ["show", session.id]);
    expect(after.stdout).not.toContain("waits for");
    expect(after.stdout.trimEnd().split("\n").at(-1)).toMatch(/^interrupted/);
  });
});

describe("claude-edge sessions resume", () => {
  test("sends the prompt, what is piped in, or both", async () => {
    const resume = (args: string[], input?: string) =>
      sessions("main", ["resume", mia, ...args], input === undefined ? {} : { input });
    expect((await resume(["And now?"])).stdout).toContain("Mia");
    expect(await resume([], "%say Piped.")).toEqual({ code: 0, stdout: "Piped.\n", stderr: "" });
    expect((await resume(["Say it:"], "%say Both.")).stdout).toBe("Both.\n");
    expect((await resume(["-"], "%say Dash.")).stdout).toBe("Dash.\n");
    const json = await resume(["%say Json.", "--output-format", "json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ result: "Json.", session_id: mia });
    expect(await resume([], "  \n")).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("The prompt is empty"),
    });
  });

  test("without a prompt it is a chat, which wants a terminal", async () => {
    const id = await made("no-prompt");
    const result = await sessions("no-prompt", ["resume", id]);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain("A chat needs a terminal");
  });
});

describe("claude-edge sessions fork", () => {
  test("prints the id of a session that remembers, up to a message if one is named", async () => {
    const id = mia;
    const fork = (...args: string[]) => sessions("main", ["fork", id.slice(0, 8), ...args]);
    const whole = await fork("--title", "Branch");
    expect(whole).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^[0-9a-f-]{36}\n$/),
      stderr: "",
    });
    const branch = edge.client("main").sessions.open(whole.stdout.trim());
    expect((await branch.retrieve()).title).toBe("Branch");
    expect((await sessions("main", ["resume", branch.id, "And?"])).stdout).toContain("Mia");

    const events = linesOf<EdgeEvent>((await sessions("main", ["events", id])).stdout);
    const first = events.find(
      (event) => event.kind === "message" && event.message.type === "assistant",
    );
    const message = first?.kind === "message" && (first.message.uuid as string);
    const early = await fork("--at", String(message));
    const { forked_from } = await edge.client("main").sessions.open(early.stdout.trim()).retrieve();
    expect(forked_from).toEqual({ session_id: id, message_id: message });
    expect(await fork("--at", randomUUID())).toMatchObject({ code: 5, stdout: "" });
    expect(await fork("--title", "")).toMatchObject({ code: 2, stdout: "" });
  });
});

describe("claude-edge sessions rename", () => {
  test("gives another title, and refuses what is none", async () => {
    const id = await made("rename");
    const rename = (title: string) => sessions("rename", ["rename", id.slice(0, 9), title]);
    expect(await rename("Release \u001b[2J notes")).toEqual({
      code: 0,
      stdout: "",
      stderr: `renamed: ${id} Release \\u{1b}[2J notes\n`,
    });
    for (const title of ["", "x".repeat(201)]) {
      const { code, stdout, stderr } = await rename(title);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain("title: must be 1 to 200 characters");
    }
    expect(await sessions("rename", ["rename", id])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("missing required argument 'title'"),
    });
    const { title } = await edge.client("rename").sessions.open(id).retrieve();
    expect(title).toBe("Release \u001b[2J notes");
  });
});

describe("claude-edge sessions delete", () => {
  test("deletes several, each once, and what is deleted is not found", async () => {
    const [a, b] = [await made("delete", "%say A."), await made("delete", "%say B.")];
    const result = await sessions("delete", ["delete", a, b.slice(0, 8), a.slice(0, 8), "--yes"]);
    expect(result).toEqual({
      code: 0,
      stdout: "",
      stderr: `deleted: ${a} %say A.\ndeleted: ${b} %say B.\n`,
    });
    expect(await sessions("delete", ["delete", a, "--yes"])).toMatchObject({ code: 5, stdout: "" });
    expect((await sessions("delete", [])).stdout).toBe("");
  });

  test("deletes none when one of them is not there", async () => {
    const id = await made("partly", "Stays.");
    const result = await sessions("partly", ["delete", id, randomUUID(), "--yes"]);
    expect(result).toMatchObject({ code: 5, stdout: "" });
    expect(await isThere("partly", id)).toBe(true);
  });

  test("does not ask where there is no terminal: it wants --yes", async () => {
    const id = await made("unasked", "Stays.");
    expect(await sessions("unasked", ["delete", id], { input: "y\n" })).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("--yes"),
    });
    expect(await isThere("unasked", id)).toBe(true);
    expect(await sessions("unasked", ["delete"])).toMatchObject({ code: 2, stdout: "" });
  });

  test("stops what runs", async () => {
    const session = edge.client("main").sessions.open(asking);
    const outcome = session
      .send("%wait 20000\n%say Late.")
      .result()
      .catch((error: unknown) => error);
    await until("it runs", async () => (await session.retrieve()).status === "running");
    expect(await sessions("main", ["delete", session.id, "--yes"])).toMatchObject({ code: 0 });
    expect(await outcome).toMatchObject({ code: "interrupted" });
  });

  test("asks in a terminal; Enter alone and Ctrl-C delete nothing", async () => {
    const id = await made("asked", "%say Asked.");
    const ask = () => openScreen(["sessions", "delete", id], { env: envOf("asked"), cwd: empty });
    for (const [key, code] of [
      [ENTER, 3],
      [CTRL_C, 130],
    ] as const) {
      const shell = ask();
      await shell.shows("Delete this session with all it holds?");
      await shell.shows(`${id.slice(0, 8)}  %say Asked.`);
      await shell.shows("No");
      shell.type(key);
      expect(await shell.ended).toBe(code);
      expect(await isThere("asked", id)).toBe(true);
    }
    const sure = ask();
    await sure.shows("No");
    sure.type("y");
    await sure.shows(`deleted: ${id}`);
    expect(await sure.ended).toBe(0);
    expect(await isThere("asked", id)).toBe(false);
  });
});
