import { expect, test } from "vitest";

import { sameTarget } from "./same-target.js";

test.each([
  [{}, ""],
  [{ account: "ada" }, " --account ada"],
  [{ url: "http://127.0.0.1:8787", account: "a" }, " --account a --url http://127.0.0.1:8787"],
  [{ profile: "my work" }, " --profile 'my work'"],
  [{ profile: "Ada's" }, ` --profile 'Ada'\\''s'`],
  [{ account: "" }, ""],
])("%j", (flags, words) => {
  expect(sameTarget(flags)).toBe(words);
});
