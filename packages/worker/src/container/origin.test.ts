import { RUNNER_PROTOCOL } from "@claude-edge/protocol/runner";
import { beforeEach, expect, test } from "vitest";

import { openStorage } from "../../test/support/storage.js";
import { VERSION } from "../version.js";
import { Origin } from "./origin.js";

const SAME = { version: VERSION, protocol: RUNNER_PROTOCOL };
const OLDER = { version: "0.0.1", protocol: RUNNER_PROTOCOL };

let storage: DurableObjectStorage;
let origin: Origin;
beforeEach(() => {
  storage = openStorage();
  origin = new Origin(storage);
});
/** A container that another version of the Worker has started. */
const startedBefore = (image?: string) =>
  storage.put("start", { worker: "0.0.1", ...(image === undefined ? {} : { image }) });

test("a runner of this Worker's version is current, whoever has started it", async () => {
  expect(await origin.isOutdated(SAME, undefined)).toBe(false);
  await startedBefore();
  expect(await origin.isOutdated(SAME, undefined)).toBe(false);
});

test.each([
  ["of an older version", OLDER],
  ["of a newer version: the Worker was rolled back", { ...SAME, version: "9.9.9" }],
  ["of another protocol", { ...SAME, protocol: RUNNER_PROTOCOL + 1 }],
])("a runner %s is outdated, until this Worker has started it too", async (_what, health) => {
  expect(await origin.isOutdated(health, undefined)).toBe(true);
  await startedBefore();
  expect(await origin.isOutdated(health, undefined)).toBe(true);
  await origin.note(undefined);
  expect(await origin.isOutdated(health, undefined)).toBe(false);
});

test("a runner of another image is outdated, whatever its version, until this Worker has started that image", async () => {
  await origin.note("agent:1");
  expect(await origin.image()).toBe("agent:1");
  expect(await origin.isOutdated(SAME, "agent:1")).toBe(false);
  expect(await origin.isOutdated(SAME, "agent:2")).toBe(true);
  await origin.note("agent:2");
  expect(await origin.isOutdated(SAME, "agent:2")).toBe(false);
  await startedBefore("agent:1");
  expect(await origin.isOutdated(SAME, "agent:1")).toBe(false);
});
