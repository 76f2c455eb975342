import { ERRORS, toWireError, UNAVAILABLE } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { unavailable, unavailableReason } from "./failure.js";

describe("what the platform says of a container that cannot be had", () => {
  test.each([
    ["there is no container instance that can be provided to this durable object", "provisioning"],
    [
      "There is no Container instance available at this time.\nThis is likely because you have reached your max concurrent instance count (set in wrangler config) or are you currently provisioning the Container.",
      "no_instance",
    ],
    ["Maximum number of running container instances exceeded.", "no_instance"],
    ["you are requesting too many containers per second", "rate_limited"],
    ["the container is not listening in the TCP address 10.0.0.1:8080", "not_listening"],
    ["Network connection lost.", undefined],
    ["", undefined],
  ])("%s: %s", (said, reason) => {
    expect(unavailableReason(said)).toBe(reason);
    const error = toWireError(unavailable("It did not start", said));
    expect(error).toMatchObject({ code: "container_unavailable", retryable: true });
    expect(error.details).toEqual(reason && { reason });
    const wayOut = reason && UNAVAILABLE[reason as keyof typeof UNAVAILABLE];
    expect(error.suggestion).toBe(wayOut ?? ERRORS.container_unavailable.suggestion);
  });

  test("its own words go before what was supposed, and into the message", () => {
    const { details, message } = unavailable(
      "x",
      "no container instance available at this time",
      "exited",
    );
    expect(details).toEqual({ reason: "no_instance" });
    expect(message).toBe("x: no container instance available at this time");
    expect(unavailable("x", undefined, "exited")).toMatchObject({
      message: "x.",
      details: { reason: "exited" },
    });
    expect(unavailable("x", "Network connection lost.", "exited").details).toEqual({
      reason: "exited",
    });
  });

  test("a reason from a newer version leaves the code's own way out", () => {
    const error = Object.assign(new Error("x"), {
      code: "container_unavailable",
      details: { reason: "toString" },
    });
    expect(toWireError(error).suggestion).toMatch(/^Try again/);
  });
});
