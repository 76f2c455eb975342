import { expect, test } from "vitest";

import { useStack } from "../../tests/support/stack.js";
import { useCli } from "./support/run.js";

const stack = useStack();
const { run } = useCli();
const cli = (...args: string[]) =>
  run([...args, "--account", "audit-cli"], {
    env: { CLAUDE_EDGE_URL: stack.stack.url, CLAUDE_EDGE_TOKEN: stack.stack.token },
  });

test("audit prints who did what as a table, or a JSON object a line", async () => {
  expect(await cli("audit")).toEqual({ code: 0, stdout: "", stderr: "nothing was done\n" });
  const { id } = await stack.client("audit-cli").tokens.create({ name: "A \u001b[2Jname" });
  await cli("tokens", "revoke", id);
  const shown = await cli("audit", "--since", "1h");
  expect(shown).toMatchObject({ code: 0, stderr: "" });
  expect(shown.stdout).toMatch(/^TIME +ACTION +BY +TARGET +DETAILS\n/);
  expect(shown.stdout).toMatch(new RegExp(`token\\.created +root key +${id} +\\{`));
  expect(shown.stdout).toMatch(new RegExp(`token\\.revoked +root key +${id} +-\\n`));
  expect(shown.stdout).not.toContain("\u001b");
  const first = await cli("audit", "--json", "--limit", "1");
  expect(first.stdout.split("\n")).toHaveLength(2);
  expect(JSON.parse(first.stdout)).toMatchObject({ action: "token.created", target: id });
});

test("audit takes the scope admin", async () => {
  const { token } = await stack.client("audit-cli").tokens.create();
  const refused = await run(["audit"], {
    env: { CLAUDE_EDGE_URL: stack.stack.url, CLAUDE_EDGE_TOKEN: token },
  });
  expect(refused).toMatchObject({ code: 4, stdout: "" });
  expect(refused.stderr).toContain("The token lacks the scope admin");
});
