import { beforeEach, expect, test } from "vitest";

import { openStorage } from "../../test/support/storage.js";
import { isEmpty, migrate } from "./migrate.js";

const FIRST = "CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('one')";
const SECOND = "ALTER TABLE notes ADD COLUMN size INTEGER";
const THIRD = "UPDATE notes SET size = length(text); INSERT INTO notes VALUES ('more', 0)";

let storage = openStorage();
beforeEach(() => {
  storage = openStorage();
});
const notes = () => storage.sql.exec("SELECT * FROM notes").toArray();
const version = () => storage.sql.exec("SELECT max(version) AS version FROM schema_version").one();

test("all steps run in order", () => {
  migrate(storage, [FIRST, SECOND, THIRD]);
  expect(notes()).toEqual([
    { text: "one", size: 3 },
    { text: "more", size: 0 },
  ]);
});

test("each runs once: of those that are new, only they", () => {
  migrate(storage, [FIRST]);
  migrate(storage, [FIRST]);
  expect(notes()).toEqual([{ text: "one" }]);
  migrate(storage, [FIRST, SECOND, THIRD]);
  migrate(storage, [FIRST, SECOND, THIRD]);
  expect(notes()).toHaveLength(2);
  expect(version()).toEqual({ version: 3 });
});

test("an older version of the code leaves a newer object as it is", () => {
  migrate(storage, [FIRST, SECOND]);
  migrate(storage, [FIRST]);
  expect(version()).toEqual({ version: 2 });
});

test("a step that fails leaves the object as it was, and the steps run again", () => {
  migrate(storage, [FIRST]);
  expect(() => migrate(storage, [FIRST, SECOND, "CREATE TABLE notes (again TEXT)"])).toThrow(
    /notes/,
  );
  expect(version()).toEqual({ version: 1 });
  expect(notes()).toEqual([{ text: "one" }]);
  migrate(storage, [FIRST, SECOND]);
  expect(notes()).toEqual([{ text: "one", size: null }]);
});

test("an empty object stays empty when it is asked, and is empty again once it is cleared", async () => {
  const tables = () => storage.sql.exec("SELECT name FROM sqlite_master").toArray();
  expect([isEmpty(storage), isEmpty(storage), tables()]).toEqual([true, true, []]);
  migrate(storage, [FIRST]);
  expect(isEmpty(storage)).toBe(false);
  await storage.deleteAll();
  expect([isEmpty(storage), tables()]).toEqual([true, []]);
});
