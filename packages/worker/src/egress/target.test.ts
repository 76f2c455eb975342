import { expect, test } from "vitest";

import { isLocal, targetOf } from "./target.js";

test.each([
  ["https://Example.com/x", "example.com", 443],
  ["http://example.com.", "example.com", 80],
  ["http://example.com:8080/", "example.com", 8080],
  ["https://user:pw@example.com/", "example.com", 443],
  ["https://bücher.example/", "xn--bcher-kva.example", 443],
  ["http://2130706433/", "127.0.0.1", 80],
  ["http://0x7f.1/", "127.0.0.1", 80],
  ["http://[::1]:81/", "[::1]", 81],
])("%s goes to %s, port %i", (url, host, port) => {
  expect(targetOf(new URL(url))).toEqual({ host, port });
});

test.each([
  "localhost",
  "a.localhost",
  "printer.local",
  "metadata.google.internal",
  "router",
  "127.0.0.1",
  "0.0.0.0",
  "10.1.2.3",
  "100.64.0.1",
  "169.254.169.254",
  "172.16.0.1",
  "192.168.1.1",
  "192.0.2.1",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "[::]",
  "[::1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[64:ff9b::7f00:1]",
  "[fd00::1]",
  "[fe80::1]",
  "[ff02::1]",
  "[2001:db8::1]",
  "[2002:7f00:1::]",
])("%s is local", (host) => expect(isLocal(host)).toBe(true));

test.each([
  "example.com",
  "internal.example.com",
  "8.8.8.8",
  "[2606:4700::1111]",
  "[::ffff:8.8.8.8]",
])("%s is not", (host) => expect(isLocal(host)).toBe(false));
