import { claims, signWith } from "../../support/signing.ts";
import { refused, works, type Family } from "../attack.ts";
import { askRaw, rawRequest } from "../send.ts";
import type { World } from "../world.ts";

const NAMES = [
  "alice/x",
  "alice/../bob",
  "../alice",
  "..",
  ".",
  "./alice",
  ".alice",
  "/alice",
  "\\alice",
  "alice\\",
  "%61lice",
  "alice%2F",
  "alice%00",
  "alice ",
  " alice",
  "al ice",
  "alice\t",
  "alice,mallory",
  "alice;x",
  "alice?x",
  "alice#x",
  "alice:x",
  "alice@x",
  "alice'--",
  'alice"',
  "$alice",
  "{alice}",
  "-alice",
  "_alice",
  "",
  "a".repeat(129),
  "a".repeat(2_000),
  // Look-alikes: Cyrillic, full width, a ligature, a combining mark, invisible and reversing characters.
  "аlice",
  "ａlice",
  "alіce",
  "alicé",
  "alice\u0301",
  "alice\u200b",
  "\u202ealice",
  "alice\ufeff",
  "ﬁlice",
  "alice\u00ad",
  "alice👩‍💻",
  "alice\ud800",
];

/** What a header cannot hold as it is: an HTTP server must not take it, or must not take it for a name. */
const CONTROLS = ["alice\0", "alice\r", "alice\rx", "\u007falice", "alice\u0001"];

/** Names that are none, wherever one is said. The root key may name any account, so the form alone is in the way. */
export function names({ stack, ask }: World): Family {
  const bad = { status: 400, code: "invalid_request" };
  const key = stack.token;
  const inHeader = (name: string) =>
    askRaw(
      stack.url,
      rawRequest(stack.url, "GET /v1/sessions", [
        `Authorization: Bearer ${key}`,
        `x-account-id: ${name}`,
        "Connection: close",
      ]),
    ).then(([answer]) => answer!);
  const signed = (sub: unknown) => signWith(key, claims({ sub }));
  const shown = (name: string) => JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
  // Blanks around a header's value are no part of it.
  const ofHeader = NAMES.filter((name) => name.trim() === name);
  return {
    controls: [
      works("a good name in the header", () => inHeader("a.b-c_9")),
      works("the longest one", () => inHeader("a".repeat(128))),
      works("in the body", () => ask("/v1/sessions", { key, json: { accountId: "a.b-c_9" } }), 201),
      works("in a token", () => ask("/v1/sessions", { key: signed("a.b-c_9") })),
    ],
    attacks: [
      ...ofHeader.map((name) => refused(`${shown(name)} in the header`, () => inHeader(name), bad)),
      ...CONTROLS.map((name) =>
        refused(`${shown(name)} in the header`, () => inHeader(name), { status: 400 }),
      ),
      ...[...NAMES, ...CONTROLS, "alice\n"].flatMap((name) => [
        refused(
          `${shown(name)} in the body`,
          () => ask("/v1/sessions", { key, json: { accountId: name } }),
          bad,
        ),
        refused(
          `${shown(name)} of a new token`,
          () => ask("/v1/tokens", { key, json: { account: name } }),
          bad,
        ),
        refused(`${shown(name)} in a token`, () => ask("/v1/sessions", { key: signed(name) }), {
          status: 401,
          code: "unauthorized",
        }),
      ]),
      ...[null, 7, true, ["alice"], { alice: 1 }].map((name) =>
        refused(
          `${JSON.stringify(name)} in the body`,
          () => ask("/v1/sessions", { key, json: { accountId: name } }),
          bad,
        ),
      ),
      ...["__proto__", "constructor"].map((name) =>
        refused(
          `${name} in a token of Mallory's`,
          () => ask("/v1/sessions", { key: signed("mallory"), account: name }),
          // One that begins with a letter is a good name, and not hers.
          name === "constructor" ? { status: 403, code: "forbidden" } : bad,
        ),
      ),
    ],
  };
}
