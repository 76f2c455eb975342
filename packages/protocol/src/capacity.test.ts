import { expect, test } from "vitest";

import { capacityNote } from "./capacity.js";

const since = "2026-01-01T00:00:00.000Z";
const now = Date.parse(since) + 12_400;

test.each([
  [{ cause: "no_instance", since }, "waiting for a container: no instance is free (12 s so far)"],
  [{ cause: "toString", since }, "waiting for a container (12 s so far)"],
  [{ since: "2026-01-02T00:00:00.000Z" }, "waiting for a container"],
  [{}, "waiting for a container"],
])("%j: %s", (wait, note) => {
  expect(capacityNote({ reason: "waiting_for_capacity", ...wait }, now)).toBe(note);
});

test("other events tell no wait", () => {
  expect(capacityNote({})).toBeUndefined();
});
