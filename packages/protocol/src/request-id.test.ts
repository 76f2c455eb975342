import { expect, test } from "vitest";

import { requestId, sessionOfRequest } from "./request-id.js";

const SESSION = "6f2c1f6e-0b3a-4c58-9a4e-0d6f4a1b2c3d";

test("a request's id names its session", () => {
  expect(sessionOfRequest(requestId("9f3c2a1b", SESSION))).toBe(SESSION);
});

test.each(["", "x", SESSION, `x.${SESSION}/y`, "x.y", `${SESSION}.x`])(
  "%o is no request's id",
  (id) => {
    expect(sessionOfRequest(id)).toBeUndefined();
  },
);
