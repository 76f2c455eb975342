import { describe, expect, test } from "vitest";

import { coversPattern, matchesHost, networkPolicy, parseHostPattern } from "./network-policy.js";

describe("a pattern of allowed_hosts", () => {
  test.each([
    ["example.com", "example.com", 443, true],
    ["example.com", "example.com", 80, true],
    ["example.com", "example.com", 8443, false],
    ["example.com:8443", "example.com", 8443, true],
    ["example.com:8443", "example.com", 443, false],
    ["Example.COM", "example.com", 443, true],
    ["example.com", "www.example.com", 443, false],
    ["example.com", "notexample.com", 443, false],
    ["*.example.com", "www.example.com", 443, true],
    ["*.example.com", "a.b.example.com", 443, true],
    ["*.example.com", "example.com", 443, false],
    ["*.example.com", "notexample.com", 443, false],
    ["*.example.com:8443", "a.example.com", 8443, true],
    ["203.0.113.7", "203.0.113.7", 443, true],
    ["[2001:db8::1]", "[2001:db8::1]", 443, true],
    ["xn--bcher-kva.example", "xn--bcher-kva.example", 443, true],
  ])("%s and %s:%i: %s", (pattern, host, port, matches) => {
    expect(matchesHost(pattern, { host, port })).toBe(matches);
  });

  test.each(["", "*", "*.*.com", "a*.com", "https://a.com", "a.com/", "a.com:0", "a.com:65536"])(
    "%j is none",
    (pattern) => expect(parseHostPattern(pattern)).toBeUndefined(),
  );

  test.each([
    "a.com:",
    "a b.com",
    "a..com",
    ".com",
    "user@a.com",
    "a.com.",
    "-a.com",
    "bücher.example",
  ])("nor is %j", (pattern) => expect(parseHostPattern(pattern)).toBeUndefined());
});

test.each([
  ["a.com", "a.com", true],
  ["a.com", "a.com:443", true],
  ["a.com:8443", "a.com:8443", true],
  ["a.com:443", "a.com", false],
  ["a.com", "b.a.com", false],
  ["*.a.com", "b.a.com", true],
  ["*.a.com", "*.a.com", true],
  ["*.a.com", "*.b.a.com", true],
  ["*.b.a.com", "*.a.com", false],
  ["*.a.com", "a.com", false],
  ["b.a.com", "*.a.com", false],
])("%s covers %s: %s", (outer, inner, covers) => {
  expect(coversPattern(outer, inner)).toBe(covers);
});

test("a policy says what is wrong with a host", () => {
  const { error } = networkPolicy.safeParse({ type: "limited", allowed_hosts: ["https://a.com"] });
  expect(JSON.stringify(error)).toContain("must be a host like example.com");
});

test.each([
  ["of millions of labels", ["a.".repeat(4_000_000)]],
  ["too many", Array.from({ length: 501 }, () => "a.com")],
])("hosts %s are refused", (_name, allowed_hosts) => {
  expect(networkPolicy.safeParse({ type: "limited", allowed_hosts }).success).toBe(false);
});

test.each([
  { type: "limited", allowed_hosts: [], allow_package_managers: false },
  { type: "limited", unknown_hosts: "ask" },
  { type: "unrestricted" },
])("%j is a policy", (policy) => expect(networkPolicy.safeParse(policy).success).toBe(true));

test.each([
  {},
  { type: "limited", allow_web_tools: "true" },
  { type: "open" },
  { type: "unrestricted", allowed_hosts: [] },
  { type: "limited", x: 1 },
  { type: "limited", unknown_hosts: "allow" },
])("%j is none", (policy) => expect(networkPolicy.safeParse(policy).success).toBe(false));
