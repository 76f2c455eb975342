import { expect, test } from "vitest";

import { ask, REACHED } from "../../test/support/ask.js";

test("a reconnecting EventSource repeats its URL: the header has the newer position", async () => {
  const read = (after: string, last: string) =>
    ask(`/v1/feed?after=${after}`, { headers: { "last-event-id": last } });
  expect(await read("unreadable", "7")).toMatchObject(REACHED);
  expect(await read("7", "unreadable")).toMatchObject({ status: 400, code: "invalid_request" });
});
