import { expect, test } from "vitest";

import { openStorage } from "../../test/support/storage.js";
import { StorageRoom } from "./storage-room.js";

test("an object refuses what is new at 80 % of what it may store, and what runs at 95 %", () => {
  const { sql } = openStorage();
  sql.exec("CREATE TABLE t (data TEXT)");
  sql.exec("INSERT INTO t VALUES (?)", "x".repeat(1024 ** 2));
  const { databaseSize: bytes } = sql;
  const assertions = (limit: number) => {
    const room = new StorageRoom(sql, limit);
    return { free: () => room.assertFree("It"), left: () => room.assertLeft("It") };
  };
  const full = expect.objectContaining({
    code: "storage_full",
    message: "It stores 1 MiB of the 1 MiB that it may.",
  });
  const roomy = assertions(bytes / 0.79);
  expect(roomy.free).not.toThrow();
  const short = assertions(bytes / 0.81);
  expect(short.free).toThrow(full);
  expect(short.left).not.toThrow();
  const spent = assertions(bytes / 0.96);
  expect(spent.free).toThrow(full);
  expect(spent.left).toThrow(full);
});
