import { expect, test } from "vitest";

import {
  asks,
  deniedBy,
  grantName,
  webToolsDeniedBy,
  type NetworkRules,
} from "./network-policy.js";

const at = (host: string, port = 443) => ({ host, port });
const limited = (...allowed_hosts: string[]) => ({ type: "limited", allowed_hosts }) as const;
const denied = (
  policies: NetworkRules["policies"],
  host: string,
  { mcpHosts = [], grants = [] }: Partial<NetworkRules> = {},
) => deniedBy({ policies, mcpHosts, grants }, at(host));

test("a host is reached that the policy lists, and no other", () => {
  const policies = { deployment: limited("a.com") };
  expect(denied(policies, "a.com")).toBeUndefined();
  expect(denied(policies, "b.com")).toBe("deployment");
});

test("registries and MCP servers are reached when the policy says so", () => {
  const all = { ...limited(), allow_package_managers: true, allow_mcp_servers: true };
  expect(denied({ deployment: all }, "registry.npmjs.org")).toBeUndefined();
  expect(denied({ deployment: all }, "mcp.example", { mcpHosts: ["mcp.example"] })).toBeUndefined();
  expect(denied({ deployment: limited() }, "registry.npmjs.org")).toBe("deployment");
  expect(denied({ deployment: limited() }, "mcp.example", { mcpHosts: ["mcp.example"] })).toBe(
    "deployment",
  );
});

test("each policy is at most as wide as the one above it", () => {
  const open = { type: "unrestricted" } as const;
  expect(denied({ deployment: limited("a.com"), account: open }, "b.com")).toBe("deployment");
  expect(denied({ deployment: open, account: limited("a.com") }, "b.com")).toBe("account");
  expect(denied({ deployment: open, session: limited("a.com") }, "b.com")).toBe("session");
  const both = { deployment: limited("a.com", "b.com"), account: limited("b.com", "c.com") };
  expect(["a.com", "b.com", "c.com"].map((host) => denied(both, host))).toEqual([
    "account",
    undefined,
    "deployment",
  ]);
});

test("the web tools of the model's API are allowed unless a policy says no", () => {
  const by = (policies: NetworkRules["policies"]) =>
    webToolsDeniedBy({ policies, mcpHosts: [], grants: [] });
  const no = { ...limited(), allow_web_tools: false };
  const yes = { ...limited(), allow_web_tools: true };
  expect(by({ deployment: limited(), account: yes })).toBeUndefined();
  expect(by({ deployment: no, account: yes })).toBe("deployment");
  expect(by({ deployment: { type: "unrestricted" }, account: yes, session: no })).toBe("session");
});

const asking = (...allowed_hosts: string[]) =>
  ({ type: "limited", allowed_hosts, unknown_hosts: "ask" }) as const;

test("somebody is asked about a host when every policy that denies it says so", () => {
  const askedBy = (policies: NetworkRules["policies"]) => {
    const rules = { policies, mcpHosts: [], grants: [] };
    const level = deniedBy(rules, at("b.com"));
    return level && asks(rules, level) ? level : undefined;
  };
  expect(askedBy({ deployment: asking("a.com") })).toBe("deployment");
  expect(askedBy({ deployment: asking(), account: asking() })).toBe("deployment");
  expect(askedBy({ deployment: asking(), account: limited("b.com") })).toBe("deployment");
  expect(askedBy({ deployment: limited("b.com"), session: asking() })).toBe("session");
  expect(askedBy({ deployment: asking(), account: limited() })).toBeUndefined();
  expect(askedBy({ deployment: limited(), account: asking() })).toBeUndefined();
  const deny = { ...limited(), unknown_hosts: "deny" } as const;
  expect(askedBy({ deployment: asking(), session: deny })).toBeUndefined();
});

test("a policy that does not ask is named before those that do", () => {
  expect(denied({ deployment: asking(), account: limited() }, "b.com")).toBe("account");
});

test("a grant counts where somebody is asked, and nowhere else", () => {
  const grants = ["b.com"];
  expect(denied({ deployment: asking() }, "b.com", { grants })).toBeUndefined();
  expect(denied({ deployment: asking(), session: asking() }, "b.com", { grants })).toBeUndefined();
  expect(denied({ deployment: asking() }, "www.b.com", { grants })).toBe("deployment");
  expect(denied({ deployment: asking(), account: limited() }, "b.com", { grants })).toBe("account");
  expect(denied({ deployment: limited() }, "b.com", { grants })).toBe("deployment");
});

test.each([
  ["a.com", 443, "a.com"],
  ["a.com", 80, "a.com"],
  ["a.com", 8443, "a.com:8443"],
  ["203.0.113.7", 443, "203.0.113.7"],
  ["[2001:db8::1]", 8080, "[2001:db8::1]:8080"],
  ["*.com", 443, undefined],
  ["a(b).com", 443, undefined],
  [`${"a.".repeat(200)}com`, 443, undefined],
])("%s at port %i is asked about as %s", (host, port, name) => {
  expect(grantName({ host, port })).toBe(name);
});

test("a grant is no pattern", () => {
  const rules = { policies: { deployment: asking() }, mcpHosts: [], grants: ["*.com"] };
  expect(deniedBy(rules, at("b.com"))).toBe("deployment");
  expect(deniedBy(rules, at("*.com"))).toBe("deployment");
});
