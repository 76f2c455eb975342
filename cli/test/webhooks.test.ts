import { expect, test } from "vitest";

import { useStack } from "../../tests/support/stack.js";
import { until } from "../../tests/support/wait.js";
import { useCli } from "./support/run.js";

const stack = useStack();
const { run, spawnCli } = useCli();
const env = () => ({ CLAUDE_EDGE_URL: stack.stack.url, CLAUDE_EDGE_TOKEN: stack.stack.token });
const cli = (account: string, ...args: string[]) =>
  run([...args, "--account", account], { env: env() });

test("an address is added, listed, switched, given a new secret and removed", async () => {
  const account = "webhooks-cli";
  expect(await cli(account, "webhooks")).toEqual({ code: 0, stdout: "", stderr: "no webhooks\n" });
  const url = "https://hooks.example/x";
  const added = await cli(account, "webhooks", "add", url, "--type", "turn.failed,turn.waiting");
  expect(added).toMatchObject({ code: 0, stdout: expect.stringMatching(/^whsec_[\w+/]{43}=\n$/) });
  const id = /wh_[0-9a-f]{32}/.exec(added.stderr)![0];
  const listed = await cli(account, "webhooks");
  expect(listed.stdout).toMatch(/^ID +STATUS +OF +NAME +URL +TYPES\n/);
  expect(listed.stdout).toContain(`${url} `);
  expect(listed.stdout).not.toContain("whsec_");
  expect((await cli(account, "webhooks", "disable", id)).stderr).toBe(`${id} is off\n`);
  expect((await cli(account, "webhooks", "enable", id)).stderr).toBe(`${id} is on\n`);
  const rotated = await cli(account, "webhooks", "rotate", id);
  expect(rotated.stdout).toMatch(/^whsec_/);
  expect(rotated.stdout).not.toBe(added.stdout);
  expect((await cli(account, "webhooks", "deliveries", id)).stderr).toBe("nothing was sent\n");
  expect((await cli(account, "webhooks", "resend", id)).stderr).toBe("0 will be sent again\n");
  expect(await cli(account, "webhooks", "remove", id)).toMatchObject({ code: 0 });
  const gone = await cli(account, "webhooks", "test", id);
  expect(gone).toMatchObject({ code: 5 });
  expect(gone.stderr).toContain("There is no webhook");
});

test("what is no address or no type is refused", async () => {
  const refused = await cli("webhooks-cli", "webhooks", "add", "https://127.0.0.1/");
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toContain("private host");
  const type = await cli("webhooks-cli", "webhooks", "add", "https://a.example", "--type", "x");
  expect(type).toMatchObject({ code: 2, stderr: expect.stringContaining("no type") });
});

test("requests --follow shows each as it is asked and answered, and ends with Ctrl-C", async () => {
  const account = "requests-follow";
  const client = stack.client(account);
  const args = ["requests", "--follow", "--json", "--account", account];
  const follower = spawnCli(args, { env: env() });
  let stdout = "";
  follower.stdout!.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  const lines = () =>
    stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { id: string; status: string });
  const session = await client.sessions.create({ permissionMode: "default", canUseTool: true });
  const turn = session.send('%tool Bash {"command":"touch x"}\n%say Done.').result();
  const [asked] = await until("a request", () => lines().length > 0 && lines());
  await client.requests.answer(asked!.id, { behavior: "allow" });
  await turn;
  await until("its answer", () => lines().length > 1);
  expect(lines().map(({ status }) => status)).toEqual(["pending", "answered"]);
  const ended = new Promise((resolve) => follower.once("exit", resolve));
  follower.kill("SIGINT");
  expect(await ended).toBe(130);
});
