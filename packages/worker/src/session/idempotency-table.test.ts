import { expect, test } from "vitest";

import { sessionStorage } from "../../test/support/storage.js";
import { IdempotencyTable, KEY_LIFE_MS } from "./idempotency-table.js";

const NOON = Date.parse("2026-11-29T12:00:00Z");
const idempotency = { key: "k", fingerprint: "f" };

test("a key is used once it is remembered, for the same request alone, and for a day", () => {
  const table = new IdempotencyTable(sessionStorage().sql);
  expect([table.isUsed(undefined), table.isUsed(idempotency)]).toEqual([false, false]);
  table.remember(undefined, NOON);
  table.remember(idempotency, NOON);
  expect(table.isUsed(idempotency)).toBe(true);
  expect(() => table.isUsed({ ...idempotency, fingerprint: "other" })).toThrow(
    expect.objectContaining({ code: "idempotency_conflict" }),
  );
  table.remember({ ...idempotency, key: "next" }, NOON + KEY_LIFE_MS);
  expect(table.isUsed(idempotency)).toBe(true);
  table.remember({ ...idempotency, key: "last" }, NOON + KEY_LIFE_MS + 1);
  expect(table.isUsed(idempotency)).toBe(false);
});
