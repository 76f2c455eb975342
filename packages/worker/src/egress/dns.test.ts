import { expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { Resolver, type DnsLookup } from "./dns.js";

const answering = (...addresses: string[]) =>
  vi.fn<DnsLookup>(async (_name, type) => ({
    Answer: [
      { type: 5, data: "alias.example." },
      ...addresses.map((data) => ({ type: data.includes(":") ? 28 : 1, data })),
    ].filter((record) => record.type === type || record.type === 5),
  }));

test.each([
  [["8.8.8.8"], "public"],
  [["8.8.8.8", "2606:4700::1111"], "public"],
  [["8.8.8.8", "10.0.0.1"], "local"],
  [["8.8.8.8", "fd00::1"], "local"],
  [["169.254.169.254"], "local"],
  [[], "unknown"],
])("a name with the addresses %j is %s", async (addresses, resolution) => {
  expect(await new Resolver(answering(...addresses)).resolve("a.example")).toBe(resolution);
});

test("an answer is used for a minute", async () => {
  const lookup = answering("8.8.8.8");
  const resolver = new Resolver(lookup);
  await resolver.resolve("a.example", 0);
  await resolver.resolve("a.example", 59_999);
  expect(lookup).toHaveBeenCalledTimes(2);
  await resolver.resolve("a.example", 60_000);
  expect(lookup).toHaveBeenCalledTimes(4);
});

test("a failure is not kept", async () => {
  captureLog();
  const lookup = answering("8.8.8.8").mockRejectedValueOnce(new Error("no"));
  const resolver = new Resolver(lookup);
  expect(await resolver.resolve("a.example")).toBe("unknown");
  expect(await resolver.resolve("a.example")).toBe("public");
});
