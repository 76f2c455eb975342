import { expect, test } from "vitest";

import { forFork, newPlaceholder, placeholdersIn } from "./placeholder.js";

const SESSION = "6ff168f4-104f-4591-9476-c83ee836d8ac";

test.each([
  [{ scope: "deployment", session: "" }, /^ce_secret_d_[0-9a-f]{32}$/],
  [{ scope: "account", session: "" }, /^ce_secret_a_[0-9a-f]{32}$/],
  [
    { scope: "session", session: SESSION },
    /^ce_secret_s6ff168f4104f45919476c83ee836d8ac_[0-9a-f]{32}$/,
  ],
] as const)("a placeholder of %j", (owner, form) => {
  const [one, other] = [newPlaceholder(owner), newPlaceholder(owner)];
  expect(one).toMatch(form);
  expect(one).not.toBe(other);
  expect(placeholdersIn(`"${one}",${other} ${one}x`)).toEqual([one, other]);
});

test("what only looks like one is none", () => {
  for (const text of ["", "ce_secret_", "ce_secret_x_0123", `ce_secret_a_${"g".repeat(32)}`]) {
    expect(placeholdersIn(text)).toEqual([]);
  }
});

test("those of a session become those of its fork, and no others", () => {
  const to = "00000000-0000-4000-8000-000000000000";
  const own = newPlaceholder({ scope: "session", session: SESSION });
  const account = newPlaceholder({ scope: "account", session: "" });
  const forked = forFork(`${own} ${account}`, SESSION, to);
  expect(placeholdersIn(forked)).toEqual([
    `ce_secret_s${to.replaceAll("-", "")}_${own.split("_").at(-1)}`,
    account,
  ]);
});
