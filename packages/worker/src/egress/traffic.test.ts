import { beforeEach, expect, test } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { likeWorkerd } from "../../test/support/workerd.js";
import { TrafficLog, type HostTraffic } from "./traffic.js";

likeWorkerd();

let log: TrafficLog;
let reports: HostTraffic[][];
let kept: Promise<unknown>[];
beforeEach(() => {
  log = new TrafficLog();
  reports = [];
  kept = [];
});

const report = async (traffic: HostTraffic[]) => void reports.push(traffic);
const entry = (host: string, container = "ada/") =>
  log.entry(container, host, "GET", report, (work) => void kept.push(work));
const hosts = () => reports.map((traffic) => traffic.map(({ host }) => host));

test("is reported once for all that came within a moment, by container", async () => {
  entry("a.com").requests += 1;
  entry("a.com").requests += 1;
  entry("b.com").denied += 1;
  entry("a.com", "bob/");
  await Promise.all(kept);
  expect(kept).toHaveLength(2);
  expect(hosts()).toEqual([["a.com", "b.com"], ["a.com"]]);
  expect(reports[0]![0]).toMatchObject({ requests: 2, denied: 0 });
});

test("of a denied host is told at once, and then not for a second", async () => {
  entry("a.com").denied += 1;
  await log.tell("ada/", "a.com", report);
  expect(hosts()).toEqual([["a.com"]]);
  entry("a.com").denied += 1;
  await log.tell("ada/", "a.com", report);
  expect(reports).toHaveLength(1);
  await Promise.all(kept);
  expect(reports).toHaveLength(2);
});

test("beyond 200 hosts is summed up", async () => {
  for (let n = 0; n < 205; n += 1) entry(`h${n}.com`).requests += 1;
  await Promise.all(kept);
  expect(reports[0]).toHaveLength(201);
  expect(reports[0]!.at(-1)).toMatchObject({ host: "*", requests: 5 });
});

test("that cannot be reported is let go", async () => {
  const logged = captureLog();
  log.entry(
    "ada/",
    "a.com",
    "GET",
    () => Promise.reject(new Error("no")),
    (work) => void kept.push(work),
  );
  await Promise.all(kept);
  expect(logged).toMatchObject([{ account: "ada" }]);
});
