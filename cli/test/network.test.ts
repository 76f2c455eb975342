import { expect, test } from "vitest";

import { useAccounts } from "./support/accounts.js";

const { cli: run } = useAccounts("network");
const cli = (account: string, ...args: string[]) => run(account, ["network", ...args]);
const ownOf = (stdout: string) => (JSON.parse(stdout) as { own: unknown }).own;

test("is a table of the policies that count", async () => {
  const { code, stdout } = await cli("shown");
  expect(code).toBe(0);
  expect(stdout).toMatch(/WHOSE +POLICY +REGISTRIES +MCP SERVERS +OTHERS +HOSTS/);
  expect(stdout).toMatch(/the deployment's +limited +yes +yes +denied +none/);
  expect(stdout).toMatch(/the account's +none/);
});

test("gives an account a policy of its own, changes it and takes it away", async () => {
  const limited = await cli(
    "own",
    "limit",
    "registry.npmjs.org",
    "--no-package-managers",
    "--json",
  );
  const policy = { type: "limited", allow_package_managers: false, allow_mcp_servers: true };
  expect(ownOf(limited.stdout)).toEqual({ ...policy, allowed_hosts: ["registry.npmjs.org"] });
  const wider = await cli("own", "allow", "pypi.org", "registry.npmjs.org", "--json");
  expect(ownOf(wider.stdout)).toEqual({
    ...policy,
    allowed_hosts: ["registry.npmjs.org", "pypi.org"],
  });
  const narrower = await cli("own", "deny", "registry.npmjs.org", "--json");
  expect(ownOf(narrower.stdout)).toEqual({ ...policy, allowed_hosts: ["pypi.org"] });
  expect((await cli("own")).stdout).toMatch(/the account's +limited +no +yes +denied +pypi\.org/);
  const asking = await cli("own", "limit", "--ask", "--json");
  expect(ownOf(asking.stdout)).toMatchObject({ unknown_hosts: "ask", allowed_hosts: [] });
  expect((await cli("own")).stdout).toMatch(/the account's +limited +yes +yes +asked about +none/);
  expect(ownOf((await cli("own", "reset", "--json")).stdout)).toBeNull();
});

test.each([
  [["allow", "example.com"], "claude-edge network limit"],
  [["limit", "example.com"], "does not allow example.com"],
  [["limit", "https://pypi.org"], "must be a host like example.com"],
  [["allow"], "missing required argument"],
])("%j says what is wrong", async (args, message) => {
  const { code, stderr } = await cli("wrong", ...args);
  expect(code).not.toBe(0);
  expect(stderr).toContain(message);
});
