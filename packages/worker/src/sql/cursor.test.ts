import { expect, test } from "vitest";

import { readCursor, writeCursor } from "./cursor.js";

test("a place in a list comes back as it was", () => {
  const time = Date.parse("2026-01-02T03:04:05.678Z");
  expect(readCursor(writeCursor(time, "a-session"))).toEqual({ time, id: "a-session" });
});

test.each(["", "%", btoa("no"), btoa("12x id"), btoa("12 ")])("%j is no place", (cursor) => {
  expect(() => readCursor(cursor)).toThrow(expect.objectContaining({ code: "invalid_request" }));
});
