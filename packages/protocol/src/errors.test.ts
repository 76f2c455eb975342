import { describe, expect, test } from "vitest";

import { EdgeError, ERRORS, errorPolicy, EXIT, toWireError } from "./index.js";

describe("the table of errors", () => {
  test.each(Object.entries(ERRORS))("%s is consistent", (_code, { status, retryable, exit }) => {
    expect(status === 0 || (status >= 400 && status < 600)).toBe(true);
    expect(Object.values(EXIT)).toContain(exit);
    // "Come again later" to a program must be that to a shell script too.
    expect(retryable || exit !== EXIT.retryLater).toBe(true);
    expect(retryable || status !== 429).toBe(true);
    expect(exit === EXIT.auth || status !== 401).toBe(true);
  });

  test("takes a code it does not know for an internal error", () => {
    expect(errorPolicy("from_the_future")).toBe(ERRORS.internal);
    expect(errorPolicy("toString")).toBe(ERRORS.internal);
  });
});

describe("an error on its way out", () => {
  test("keeps its code, message and details", () => {
    const error = new EdgeError("session_exists", "taken", { id: 1 });
    expect(toWireError(error)).toEqual({
      code: "session_exists",
      message: "taken",
      retryable: false,
      suggestion: ERRORS.session_exists.suggestion,
      details: { id: 1 },
    });
  });

  test("is storage_full when the platform's database is", () => {
    const wire = toWireError(new Error("database or disk is full: SQLITE_FULL"));
    expect(wire).toMatchObject({ code: "storage_full", retryable: false });
  });

  test("without a code says nothing of the inside", () => {
    const wire = toWireError(new Error("password is hunter2"));
    expect(wire.code).toBe("internal");
    expect(JSON.stringify(wire)).not.toContain("hunter2");
    expect(toWireError("text").code).toBe("internal");
    expect(toWireError(Object.assign(new Error("x"), { code: "ENOENT" })).code).toBe("internal");
  });
});
