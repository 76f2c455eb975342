import { expect, test } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import { Inbox } from "./inbox.js";

test("how far a session's notices were applied is kept, of each by itself, until it is removed", () => {
  const { sql } = accountStorage();
  const inbox = new Inbox(sql);
  expect(inbox.applied("a")).toBe(0);
  inbox.setApplied("a", 3);
  inbox.setApplied("a", 7);
  inbox.setApplied("b", 2);
  expect([new Inbox(sql).applied("a"), inbox.applied("b")]).toEqual([7, 2]);
  inbox.remove("a");
  expect([inbox.applied("a"), inbox.applied("b")]).toEqual([0, 2]);
});
