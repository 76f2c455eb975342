import { expect, test } from "vitest";

import { sessionIdOf } from "../session-id.js";
import { clientIdOf } from "./sessions.js";

test("a session is known by the id that its client chose", async () => {
  const id = await sessionIdOf("ada", "shoot-1");
  expect(await clientIdOf("ada", { id, tags: ["shoot-1"] })).toBe("shoot-1");
  expect(await clientIdOf("ada", { id, tags: ["mine", "shoot-1"] })).toBe("shoot-1");
});

test("a tag that says so makes no session another", async () => {
  const id = await sessionIdOf("ada", "shoot-1");
  expect(await clientIdOf("ada", { id, tags: ["shoot-2"] })).toBe(id);
  expect(await clientIdOf("ada", { id, tags: [] })).toBe(id);
  expect(await clientIdOf("bob", { id, tags: ["shoot-1"] })).toBe(id);
  const own = "93fcd8f0-b476-41d9-9707-b71cc7b80ff4";
  expect(await clientIdOf("ada", { id: own, tags: ["shoot-1"] })).toBe(own);
});
