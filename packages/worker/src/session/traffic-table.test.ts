import { beforeEach, expect, test } from "vitest";

import { sessionStorage } from "../../test/support/storage.js";
import type { HostTraffic } from "../egress/traffic.js";
import { TrafficTable } from "./traffic-table.js";

let table = new TrafficTable(sessionStorage().sql);
beforeEach(() => void (table = new TrafficTable(sessionStorage().sql)));

const traffic = (host: string, more: Partial<HostTraffic> = {}): HostTraffic => ({
  host,
  method: "GET",
  requests: 1,
  denied: 0,
  sentBytes: 2,
  receivedBytes: 3,
  ...more,
});

test("counts by turn and host", () => {
  table.add("t1", [traffic("a.com"), traffic("b.com")]);
  table.add("t1", [traffic("a.com")]);
  table.add("t2", [traffic("a.com")]);
  const sums = { denied: 0, requests: 1, sent_bytes: 2, received_bytes: 3 };
  expect(table.list()).toEqual([
    { ...sums, turn_id: "t1", host: "a.com", requests: 2, sent_bytes: 4, received_bytes: 6 },
    { ...sums, turn_id: "t2", host: "a.com" },
    { ...sums, turn_id: "t1", host: "b.com" },
  ]);
  expect(table.ofTurn("t2")).toEqual([{ ...sums, host: "a.com" }]);
});

test("gives what was denied of a host for the first time in its turn", () => {
  const denied = traffic("a.com", { requests: 0, denied: 1, reason: "deployment" });
  expect(table.add("t1", [denied, traffic("b.com")])).toEqual([denied]);
  expect(table.add("t1", [denied])).toEqual([]);
  expect(table.add("t2", [denied])).toEqual([denied]);
});

test("sums up the hosts beyond the first 200 of a turn", () => {
  table.add(
    "t1",
    Array.from({ length: 205 }, (_, n) => traffic(`h${n}.com`)),
  );
  const hosts = table.list();
  expect(hosts).toHaveLength(201);
  expect(hosts.find(({ host }) => host === "*")).toMatchObject({ requests: 5 });
  table.add("t1", [traffic("h0.com")]);
  expect(table.list().find(({ host }) => host === "h0.com")).toMatchObject({ requests: 2 });
});

test("gives secrets that were withheld from a host once a turn", () => {
  const secret = { name: "KEY", scope: "account" as const };
  const withheld = traffic("a.com", { withheld: [secret] });
  expect(table.takeWithheld("t1", [withheld, traffic("b.com")])).toEqual([
    { ...secret, host: "a.com" },
  ]);
  expect(table.takeWithheld("t1", [withheld])).toEqual([]);
  expect(table.takeWithheld("t1", [traffic("b.com", { withheld: [secret] })])).toHaveLength(1);
  expect(table.takeWithheld("t2", [withheld])).toHaveLength(1);
  const many = Array.from({ length: 200 }, (_, n) => traffic(`h${n}.com`, { withheld: [secret] }));
  expect(table.takeWithheld("t3", many)).toHaveLength(100);
});
