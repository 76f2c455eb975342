/** Hosts that somebody is asked about: by `query` and `chat`, and with `claude-edge requests`. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { afterAll, beforeAll, expect, test } from "vitest";

import { useOwnStack } from "../../tests/support/stack.js";
import { until } from "../../tests/support/wait.js";
import { tool } from "./support/approvals.js";
import { CTRL_D, DOWN, ENTER } from "./support/keys.js";
import { useCli } from "./support/run.js";
import { openScreen } from "./support/terminal.js";

const server = createServer((_request, response) => response.end("reached"));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;
afterAll(() => void server.close());

const edge = useOwnStack({
  vars: {
    CLAUDE_EDGE_NETWORK: JSON.stringify({ type: "limited", unknown_hosts: "ask" }),
    CLAUDE_EDGE_PRIVATE_HOSTS: JSON.stringify({ "new.test": `http://127.0.0.1:${port}` }),
  },
});
const { empty, run } = useCli();

const envOf = (account: string) => ({
  CLAUDE_EDGE_URL: edge.stack.url,
  CLAUDE_EDGE_TOKEN: edge.stack.token,
  CLAUDE_EDGE_ACCOUNT: account,
});
const cli = (account: string, ...args: string[]) => run(args, { env: envOf(account) });
const screen = (account: string, ...args: string[]) =>
  openScreen(args, { env: envOf(account), cwd: empty });

const curl = (at = "") =>
  tool("Bash", { command: `curl -sS http://new.test${at}/ | sed 's/^/it said: /'` });
const QUERY = ["query", "--allowed-tools", "Bash"];
/** What is in the terminal is of one account, whose container runs. */
const ACCOUNT = "main";
beforeAll(async () => void (await edge.client(ACCOUNT).query("%say Warm.")));
const last = async () => (await edge.client(ACCOUNT).requests.list({ status: "any" })).at(-1);
const pending = (account: string) =>
  until("a request", async () => (await edge.client(account).requests.list())[0]);

test("query asks in a terminal; allowed for the session, it is not asked again", async () => {
  const shell = screen(ACCOUNT, ...QUERY, `${curl()}${curl()}%say Done.`);
  await shell.shows("A program in the container wants to reach a host:");
  await shell.shows("new.test (GET)");
  await shell.shows("Allow new.test?");
  await shell.shows("Deny with a message");
  shell.type(DOWN + ENTER);
  await shell.shows("Done.");
  expect(await shell.ended).toBe(0);
  const answer = { behavior: "allow", scope: "session" };
  expect(await last()).toMatchObject({ kind: "network", answer });
});

test("query asks for a message to deny with, which the program is told", async () => {
  // What was denied is reported a moment later.
  const slowly = `${curl(":8080")}${tool("Bash", { command: "sleep 2" })}%say Done.`;
  const shell = screen(ACCOUNT, ...QUERY, slowly);
  await shell.shows("Allow new.test:8080?");
  await shell.shows("Deny with a message");
  shell.type(DOWN.repeat(4) + ENTER);
  await shell.shows("What should the program be told?");
  shell.type(`Not that port.${ENTER}`);
  await shell.shows("new.test:8080 was not reached: that was denied");
  await shell.shows("Done.");
  expect(await shell.ended).toBe(0);
});

test("without a terminal query says what waits, and requests lists and answers it", async () => {
  const running = cli("elsewhere", ...QUERY, `${curl()}%say Done.`);
  const { id } = await pending("elsewhere");
  const { stdout } = await cli("elsewhere", "requests");
  expect(stdout).toMatch(
    new RegExp(`^${id.slice(0, 8)} +network +pending .* network +new\\.test$`, "m"),
  );
  const wrong = await cli("elsewhere", "requests", "answer", id, "--answer", "yes");
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("It is about a host") });
  const answer = ["requests", "answer", id.slice(0, 8), "--allow-for-account", "--by", "ada"];
  expect(await cli("elsewhere", ...answer)).toMatchObject({
    code: 0,
    stderr: "allowed for the account: network new.test\n",
  });
  const { code, stderr } = await running;
  expect(code).toBe(0);
  expect(stderr).toContain(
    `waiting for an approval: network new.test\n  give it: claude-edge requests answer ${id} --allow`,
  );
  expect((await cli("elsewhere", "network")).stdout).toMatch(/granted +new\.test/);
  const denied = await cli("elsewhere", "network", "deny", "new.test", "--json");
  expect(JSON.parse(denied.stdout)).toMatchObject({ own: null, granted: [] });
});

test("chat asks too", async () => {
  const shell = screen(ACCOUNT, "chat", "--allowed-tools", "Bash");
  await shell.shows("› ");
  shell.type(`${curl().trim()}${ENTER}`);
  await shell.shows("Allow new.test?");
  await shell.shows("Deny with a message");
  shell.type(ENTER);
  await shell.shows("✓ Bash");
  expect(await last()).toMatchObject({ answer: { behavior: "allow", scope: "turn" } });
  await shell.shows("› ");
  shell.type(CTRL_D);
  expect(await shell.ended).toBe(0);
});
