import { expect, test } from "vitest";

import { SeenRequests, type SeenRequest } from "./seen.js";

const request = (session: string, text: string): SeenRequest => ({
  path: "/v1/messages",
  headers: { "x-claude-code-session-id": session },
  body: { model: "m", messages: [] },
  text,
  left: false,
});

test("requests are kept in their order, and found by session or text", () => {
  const seen = new SeenRequests();
  seen.add(request("session-1", "one"));
  seen.add(request("session-2", "two"));
  seen.add(request("session-1", "three"));
  expect(seen.all.map(({ text }) => text)).toEqual(["one", "two", "three"]);
  expect(seen.asked("session-1").map(({ text }) => text)).toEqual(["one", "three"]);
  expect(seen.asked("two")).toEqual([seen.all[1]]);
});

test("a session keeps its own newest, whatever the others ask", () => {
  const seen = new SeenRequests({ ofSession: 2 });
  seen.add(request("quiet", "the first"));
  for (let number = 0; number < 10; number += 1) seen.add(request("busy", `number ${number}`));
  expect(seen.all.map(({ text }) => text)).toEqual(["the first", "number 8", "number 9"]);
});

test("all of them together hold a bounded number of characters: the oldest go first", () => {
  const seen = new SeenRequests({ chars: 10 });
  for (const text of ["12345", "67890", "abc"]) seen.add(request(text, text));
  expect(seen.all.map(({ text }) => text)).toEqual(["67890", "abc"]);
  // The newest stays, however long.
  seen.add(request("long", "x".repeat(20)));
  expect(seen.all).toHaveLength(1);
});
