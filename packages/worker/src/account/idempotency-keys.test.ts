import { beforeEach, expect, test } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import { KEY_LIFE_MS } from "../session/idempotency-table.js";
import { IdempotencyKeys } from "./idempotency-keys.js";

const NOON = Date.parse("2026-11-29T12:00:00Z");
const idempotency = { key: "k", fingerprint: "f" };

let keys = new IdempotencyKeys(accountStorage().sql);
beforeEach(() => {
  keys = new IdempotencyKeys(accountStorage().sql);
});

test("a key tells what it made: a session, and a turn if it made one", () => {
  expect([keys.useOf(undefined), keys.useOf(idempotency)]).toEqual([undefined, undefined]);
  keys.remember(undefined, "s", "t", NOON);
  keys.remember(idempotency, "s", "t", NOON);
  keys.remember({ ...idempotency, key: "other" }, "s", null, NOON);
  expect(keys.useOf(idempotency)).toMatchObject({ session_id: "s", turn_id: "t" });
  expect(keys.useOf({ ...idempotency, key: "other" })).toMatchObject({
    session_id: "s",
    turn_id: null,
  });
});

test("a key that was used for another request is refused", () => {
  keys.remember(idempotency, "s", null, NOON);
  expect(() => keys.useOf({ ...idempotency, fingerprint: "other" })).toThrow(
    expect.objectContaining({ code: "idempotency_conflict" }),
  );
});

test("a key is remembered once, and for a day, or an hour more", () => {
  keys.remember(idempotency, "s", "t", NOON);
  expect(() => keys.remember(idempotency, "s", "t", NOON)).toThrow(/UNIQUE/);
  keys.remember({ ...idempotency, key: "2" }, "s", "t", NOON + KEY_LIFE_MS);
  expect(keys.useOf(idempotency)).toBeDefined();
  const anHourLater = NOON + KEY_LIFE_MS + 60 * 60_000 + 1;
  keys.remember({ ...idempotency, key: "3" }, "s", "t", anHourLater);
  expect(keys.useOf(idempotency)).toBeUndefined();
});
