import type { AccountResource } from "@claude-edge/client";
import { expect, test } from "vitest";

import { until } from "../../tests/support/wait.js";
import { useAccounts } from "./support/accounts.js";
import { ENTER } from "./support/keys.js";
import { openScreen } from "./support/terminal.js";

const { edge, cli: run, empty, envOf } = useAccounts("accounts");

const cli = (...args: string[]) => run("any", ["accounts", ...args]);
const named = (account: string) => `accounts-${account}`;

test("are listed with what they have, and shown one by one", async () => {
  await edge.client("listed").sessions.create();
  const listed = await until("it is listed", async () => {
    const { code, stdout, stderr } = await cli("list", "--all", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n").filter(Boolean);
    return lines
      .map((line) => JSON.parse(line) as AccountResource)
      .find(({ name }) => name === named("listed"));
  });
  expect(listed).toMatchObject({ status: "active", sessions: 1 });
  const { stdout } = await cli("--all");
  expect(stdout).toMatch(/^SESSIONS +STORED +STATUS +ACTIVE +NAME$/m);
  expect(stdout).toMatch(/^ +1 +\d+ kB +active +\d+s ago +accounts-listed$/m);
  const shown = await cli("show", named("listed"));
  expect(shown).toMatchObject({ code: 0, stderr: "" });
  expect(shown.stdout).toMatch(/^account +accounts-listed\nstatus +active\nsessions +1\n/);
  expect(await cli("show", named("none"))).toMatchObject({ code: 5, stdout: "" });
});

test("delete erases one and waits for the end; without a terminal it wants --yes", async () => {
  await edge.client("deleted").sessions.create();
  const unasked = await cli("delete", named("deleted"));
  expect(unasked).toMatchObject({ code: 2, stdout: "" });
  expect(unasked.stderr).toContain("--yes");
  const { code, stderr } = await cli("delete", named("deleted"), "--yes");
  expect(code).toBe(0);
  expect(stderr).toContain("erasing: 1 session left\n");
  expect(stderr).toContain(`deleted: ${named("deleted")}\n`);
  expect(await cli("delete", named("deleted"), "--yes")).toMatchObject({ code: 5 });
});

test("delete asks in a terminal, and Enter alone deletes nothing", async () => {
  await edge.client("asked").sessions.create();
  const shell = openScreen(["accounts", "delete", named("asked")], {
    env: envOf("any"),
    cwd: empty,
  });
  await shell.shows(`Erase the account ${named("asked")}? It has 1 session`);
  await shell.shows("No");
  shell.type(ENTER);
  expect(await shell.ended).toBe(3);
  expect((await cli("show", named("asked"))).code).toBe(0);
});

test("without the root key they are nobody's to see", async () => {
  const { token } = await edge.client("held").tokens.create({ scopes: ["admin"] });
  const env = { CLAUDE_EDGE_TOKEN: token, CLAUDE_EDGE_ACCOUNT: named("held") };
  const { code, stderr } = await run("held", ["accounts"], { env });
  expect(code).toBe(4);
  expect(stderr).toContain("Only the root key may do this.");
});
