import { expect, test } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import { TokenReaders } from "./token-readers.js";
import { TokenTable } from "./token-table.js";

test("the sessions that a token has read are each known once, until they have been told or are removed", () => {
  const { sql } = accountStorage();
  const readers = new TokenReaders(sql);
  for (const session of ["a", "b", "a", "c"]) readers.add("t", session);
  readers.add("other", "a");
  readers.removeAllOf("c");
  expect(readers.untold()).toEqual([]);
  new TokenTable(sql).revoke("t", 1);
  const of = (session: string) => ({ token: "t", session_id: session });
  expect(new TokenReaders(sql).untold()).toEqual([of("a"), of("b")]);
  readers.setTold(of("a"));
  expect(readers.untold()).toEqual([of("b")]);
});
