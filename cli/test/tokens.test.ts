import { ClaudeEdge } from "@claude-edge/client";
import { mintToken } from "@claude-edge/client/tokens";
import { expect, test } from "vitest";

import { useStack } from "../../tests/support/stack.js";
import { useCli, type Run } from "./support/run.js";

const stack = useStack();
const { run } = useCli();

/** The CLI with a key: the root key unless told otherwise. */
const cli = (args: string[], token = stack.stack.token, env: Record<string, string> = {}) =>
  run(args, { env: { CLAUDE_EDGE_URL: stack.stack.url, CLAUDE_EDGE_TOKEN: token, ...env } });

const TOKEN = /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/;
const idOf = ({ stderr }: Run) => /^token ([0-9a-f-]{36}) /.exec(stderr)![1]!;
const daysLeft = (time: string) => Math.round((Date.parse(time) - Date.now()) / 86_400_000);

test("create prints the token and nothing else, and it works", async () => {
  const created = await cli(["tokens", "create", "--account", "tokens-ada"]);
  expect(created).toMatchObject({ code: 0, stdout: expect.stringMatching(TOKEN) });
  expect(created.stderr).toContain("for account tokens-ada");
  expect(created.stderr).toContain("allows: query, sessions:read, sessions:write");
  expect(created.stderr).not.toContain("eyJ");
  const asked = await cli(["query", "%say Mine."], created.stdout.trim());
  expect(asked).toMatchObject({ code: 0, stdout: "Mine.\n" });

  const other = await cli(["query", "x", "--account", "tokens-bob"], created.stdout.trim());
  expect(other).toMatchObject({ code: 4, stdout: "" });
  expect(other.stderr).toContain("The token is for account tokens-ada");
  expect(other.stderr).toContain("claude-edge tokens create");
});

test("create takes scopes, a time, a session and a name", async () => {
  const session = await stack.client("tokens-flags").sessions.create();
  const flags = ["--scope", "query,sessions:read", "--scope", "requests:answer"];
  const more = ["--expires", "12h", "--session", session.id, "--name", "A \u001b[2Jname", "--json"];
  const account = ["--account", "tokens-flags"];
  const { code, stdout, stderr } = await cli(["tokens", "create", ...flags, ...more, ...account]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const minted = JSON.parse(stdout) as { token: string; id: string; expires_at: string };
  expect(minted).toMatchObject({
    account: "tokens-flags",
    scopes: ["query", "sessions:read", "requests:answer"],
    session_id: session.id,
    name: "A \u001b[2Jname",
  });
  expect(Date.parse(minted.expires_at) - Date.now()).toBeLessThanOrEqual(12 * 3_600_000);
  const holder = new ClaudeEdge({ baseURL: stack.stack.url, token: minted.token });
  expect((await holder.sessions.open(session.id).retrieve()).id).toBe(session.id);

  const never = await cli(["tokens", "create", "--expires", "never", ...account]);
  expect(never.stderr).toContain("never expires");
  const list = await cli(["tokens", ...account]);
  const [head, ...rows] = list.stdout.trimEnd().split("\n");
  expect(head).toMatch(/^ID +STATUS +CREATED +EXPIRES +SESSION +NAME +SCOPES$/);
  expect(rows.map((row) => row.split(/ {2,}/).slice(0, 2))).toEqual([
    [idOf(never), "active"],
    [minted.id, "active"],
  ]);
  expect(rows[0]).toMatch(
    / never +- +- +query sessions:read sessions:write requests:answer files$/,
  );
  expect(rows[1]).toContain(
    ` ${session.id}  A \\u{1b}[2Jname  query sessions:read requests:answer`,
  );
});

test.each([
  ["days", "30d", 30],
  ["seconds", "2592000s", 30],
])("a time in %s", async (_what, time, days) => {
  const { stdout } = await cli(["tokens", "create", "--expires", time, "--json"]);
  expect(daysLeft((JSON.parse(stdout) as { expires_at: string }).expires_at)).toBe(days);
});

test.each([
  ["a time that is none", ["--expires", "soon"], "30d"],
  ["no time", ["--expires", "0d"], "30d"],
  ["a time past all measure", ["--expires", "99999999d"], "never"],
  ["an unknown scope", ["--scope", "query,root"], "sessions:write"],
  ["an empty scope", ["--scope", ""], "sessions:write"],
  ["a session that is none", ["--session", "x"], "lower-case UUID"],
  ["an account that is none", ["--account", "a/b"], "letters, digits"],
])("create refuses %s", async (_what, flags, says) => {
  const { code, stdout, stderr } = await cli(["tokens", "create", ...flags]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(says);
});

test("revoke takes effect at once, is shown, and can be said again", async () => {
  const account = ["--account", "tokens-revoking"];
  expect(await cli(["tokens", "list", ...account])).toEqual({
    code: 0,
    stdout: "",
    stderr: "no tokens\n",
  });
  const created = await cli(["tokens", "create", "--name", "Old", ...account]);
  const [id, token] = [idOf(created), created.stdout.trim()];
  for (let time = 0; time < 2; time += 1) {
    const revoked = await cli(["tokens", "revoke", id, ...account]);
    expect(revoked).toEqual({ code: 0, stdout: "", stderr: `revoked: ${id} (Old)\n` });
  }
  const asked = await cli(["requests"], token);
  expect(asked).toMatchObject({ code: 4, stdout: "" });
  expect(asked.stderr).toContain("The token was revoked.");
  expect(asked.stderr).not.toContain(token);
  const { stdout } = await cli(["tokens", "list", "--json", ...account]);
  expect(JSON.parse(stdout)).toMatchObject({ id, name: "Old", revoked_at: expect.any(String) });
  expect(stdout).not.toContain("eyJ");
});

test("one that a backend minted is in no list: revoked only by saying so", async () => {
  const id = "0d0bc005-5b5e-4f0c-9c0e-4a7d3a3fd1f0";
  const token = await mintToken({ rootKey: stack.stack.token, account: "tokens-backend", id });
  expect(await cli(["requests"], token)).toMatchObject({ code: 0 });
  const account = ["--account", "tokens-backend"];
  const refused = await cli(["tokens", "revoke", id, ...account]);
  expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining("--unlisted") });
  expect(await cli(["requests"], token)).toMatchObject({ code: 0 });
  const revoked = await cli(["tokens", "revoke", id, "--unlisted", "--json", ...account]);
  expect(JSON.parse(revoked.stdout)).toMatchObject({ id, account: "tokens-backend" });
  expect(await cli(["requests"], token)).toMatchObject({ code: 4 });
  const listed = await cli(["tokens", "--account", "tokens-backend"]);
  expect(listed.stdout).toMatch(new RegExp(`${id} +revoked +- +- +- +- +-\n$`));
});

test("revoke finds a token by the beginning of its id, in its own account alone", async () => {
  const account = ["--account", "tokens-short"];
  const { stdout } = await cli(["tokens", "create", "--json", ...account]);
  const { id, token } = JSON.parse(stdout) as { id: string; token: string };
  for (const args of [[id], [id.slice(0, 8)]]) {
    const refused = await cli(["tokens", "revoke", ...args, "--account", "tokens-other"]);
    expect(refused).toMatchObject({ code: 5, stdout: "" });
  }
  expect(await cli(["requests"], token)).toMatchObject({ code: 0 });
  expect(await cli(["tokens", "revoke", id.slice(0, 8), ...account])).toMatchObject({ code: 0 });
  expect(await cli(["requests"], token)).toMatchObject({ code: 4 });
});

test("revoke takes an id, and keeps a token out of the address", async () => {
  const { stdout } = await cli(["tokens", "create"]);
  const revoked = await cli(["tokens", "revoke", stdout.trim()]);
  expect(revoked).toMatchObject({ code: 2, stdout: "" });
  expect(revoked.stderr).toContain("by its id");
  expect(revoked.stderr).not.toContain("eyJ");
  expect(await cli(["tokens", "revoke"])).toMatchObject({ code: 2 });
});

test("a token without the scope admin mints none", async () => {
  const plain = (await cli(["tokens", "create"])).stdout.trim();
  for (const command of [["create"], ["list"], ["revoke", "x"]]) {
    const refused = await cli(["tokens", ...command], plain);
    expect(refused).toMatchObject({ code: 4, stdout: "" });
    expect(refused.stderr).toContain("lacks the scope admin");
  }
  const admin = (await cli(["tokens", "create", "--scope", "admin"])).stdout.trim();
  expect(await cli(["tokens", "create"], admin)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(TOKEN),
  });
});

test("help leads with what people copy", async () => {
  const { code, stdout } = await cli(["tokens", "create", "--help"]);
  expect(code).toBe(0);
  for (const text of ["--scope", "--expires", "--session", "--name", "Examples:", "admin"]) {
    expect(stdout).toContain(text);
  }
});
