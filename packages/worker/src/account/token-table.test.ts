import { DEFAULT_SCOPES, TOKEN_LIFE_S } from "@claude-edge/protocol";
import { beforeEach, expect, test } from "vitest";

import { accountStorage } from "../../test/support/storage.js";
import { TokenTable } from "./token-table.js";

const NOW = Date.parse("2026-11-29T12:00:00.750Z");
const HOUR_MS = 3_600_000;

let { sql } = accountStorage();
let table = new TokenTable(sql);
beforeEach(() => {
  ({ sql } = accountStorage());
  table = new TokenTable(sql);
});

test("a token holds for 90 days, and may do all but mint, unless it is told otherwise", () => {
  expect(table.create("ada", {}, NOW)).toEqual({
    id: expect.any(String),
    account: "ada",
    scopes: [...DEFAULT_SCOPES],
    created_at: "2026-11-29T12:00:00.000Z",
    expires_at: new Date(Math.floor(NOW / 1000) * 1000 + TOKEN_LIFE_S * 1000).toISOString(),
  });
  const session_id = "6ff168f4-104f-4591-9476-c83ee836d8ac";
  const scopes = ["query", "query", "files"] as const;
  const asked = { scopes: [...scopes], expires_in: "never" as const, session_id, name: "Laptop" };
  expect(table.create("ada", asked, NOW)).toMatchObject({
    scopes: ["query", "files"],
    expires_at: null,
    session_id,
    name: "Laptop",
  });
});

test("the first time that it is revoked counts, and outlasts the object", () => {
  const [gone, kept] = [table.create("ada", {}, NOW), table.create("ada", {}, NOW)];
  table.revoke(gone.id, NOW + 1_000);
  table.revoke(gone.id, NOW + 2_000);
  const again = new TokenTable(sql);
  expect(again.get(gone.id, "ada")?.revoked_at).toBe(new Date(NOW + 1_000).toISOString());
  expect([again.isRevoked(gone.id), again.isRevoked(kept.id)]).toEqual([true, false]);
});

test("one that was minted elsewhere is revoked by its id, for good", () => {
  table.revoke("theirs", NOW);
  table.create("ada", {}, NOW + 1000 * HOUR_MS);
  expect(table.isRevoked("theirs")).toBe(true);
  const revoked_at = new Date(NOW).toISOString();
  expect(table.get("theirs", "ada")).toEqual({
    id: "theirs",
    account: "ada",
    expires_at: null,
    revoked_at,
  });
});

test("one that ended is forgotten an hour later, when no clock takes it for one that holds", () => {
  const { id } = table.create("ada", { expires_in: 60 }, NOW);
  table.revoke(id, NOW);
  table.create("ada", {}, NOW + 60_000 + HOUR_MS - 1_000);
  expect(table.isRevoked(id)).toBe(true);
  table.create("ada", {}, NOW + 60_000 + HOUR_MS + 1_000);
  expect(table.get(id, "ada")).toBeUndefined();
});

test("they are listed newest first, page by page", () => {
  const names = Array.from({ length: 7 }, (_, index) => `token ${index}`);
  for (const name of names) table.create("ada", { name }, NOW);
  const listed: (string | undefined)[] = [];
  const sizes = [];
  let cursor: number | undefined;
  do {
    const { tokens, next_cursor } = table.list("ada", cursor, 3);
    listed.push(...tokens.map(({ name }) => name));
    sizes.push(tokens.length);
    cursor = next_cursor === undefined ? undefined : Number(next_cursor);
  } while (cursor !== undefined);
  expect(listed).toEqual(names.toReversed());
  expect(sizes).toEqual([3, 3, 1]);
});
