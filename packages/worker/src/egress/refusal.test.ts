import { describe, expect, test } from "vitest";

import { messagesError, messagesErrorBody } from "./refusal.js";

const failed = (details?: Record<string, unknown>) => ({
  code: "model_error",
  message: "No.",
  retryable: true,
  ...(details ? { details } : {}),
});

describe("an error as the Messages API says it", () => {
  test.each([
    [400, "invalid_request_error"],
    [401, "authentication_error"],
    [402, "billing_error"],
    [403, "permission_error"],
    [404, "not_found_error"],
    [413, "request_too_large"],
    [429, "rate_limit_error"],
    [500, "api_error"],
    [529, "overloaded_error"],
  ])("has the model's own status: %i", async (model_status, type) => {
    const answer = messagesError(failed({ model_status }), 502, "req_1");
    expect(answer.status).toBe(model_status);
    expect(answer.headers.get("request-id")).toBe("req_1");
    expect(await answer.json()).toMatchObject({
      type: "error",
      error: { type, code: "model_error", details: { error_code: "model_error", model_status } },
      request_id: "req_1",
    });
  });

  test("says whether to try again, and when", () => {
    const late = messagesError({ ...failed({ retry_after_s: 7 }), retryable: true }, 429);
    expect(late.headers.get("x-should-retry")).toBe("true");
    expect(late.headers.get("retry-after")).toBe("7");
    const never = messagesError({ ...failed(), retryable: false }, 502);
    expect(never.headers.get("x-should-retry")).toBe("false");
    expect(never.headers.get("retry-after")).toBeNull();
  });

  test("has the way out in its message", () => {
    const error = { ...failed(), suggestion: "Ask later." };
    expect(messagesErrorBody(error, 500)).toMatchObject({ error: { message: "No. Ask later." } });
  });
});
