import { expect, test } from "vitest";

import { withWebFetch } from "./settings.js";

test("WebFetch does not ask elsewhere, unless settings say that it shall", () => {
  expect(withWebFetch()).toEqual({ skipWebFetchPreflight: true });
  expect(withWebFetch({ model: "m" })).toEqual({ skipWebFetchPreflight: true, model: "m" });
  expect(withWebFetch(' {"model":"m"}')).toEqual({ skipWebFetchPreflight: true, model: "m" });
  expect(withWebFetch({ skipWebFetchPreflight: false })).toEqual({ skipWebFetchPreflight: false });
});

test("a file of settings, and text that is none, are passed on as they are", () => {
  expect(withWebFetch("/etc/settings.json")).toBe("/etc/settings.json");
  expect(withWebFetch("{ not json")).toBe("{ not json");
});
