import { TOKEN_LEEWAY_S, type TokenResource } from "@claude-edge/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { claims, now, part, signWith, type Signing } from "../../../../tests/support/signing.js";
import { ROOT_KEY } from "../../test/support/ask.js";
import { readToken, writeToken } from "./token.js";

const sign = (of: object, how?: Signing) => signWith(ROOT_KEY, of, how);
const read = (token: string) => readToken(token, ROOT_KEY);
const refused = { code: "unauthorized" };

describe("what is a token", () => {
  test("one that never ends, one of every scope, one for a session", async () => {
    const session = "6ff168f4-104f-4591-9476-c83ee836d8ac";
    const token = await read(sign(claims({ exp: undefined, sid: session, scope: "query admin" })));
    expect(token).toEqual({
      id: expect.any(String),
      account: "ada",
      issuedAt: expect.any(Number),
      scopes: new Set(["query", "admin"]),
      session,
    });
  });

  test("a scope of a newer version is none", async () => {
    const { scopes } = await read(sign(claims({ scope: "teleport query" })));
    expect([...scopes]).toEqual(["query"]);
  });

  test("what a resource says is what is read", async () => {
    const resource: TokenResource = {
      id: "an-id",
      account: "grace",
      scopes: ["files"],
      created_at: new Date(now() * 1000).toISOString(),
      expires_at: new Date((now() + 60) * 1000).toISOString(),
    };
    const token = await writeToken(resource, ROOT_KEY);
    expect(await writeToken(resource, ROOT_KEY)).toBe(token);
    expect(await read(token)).toMatchObject({
      id: "an-id",
      account: "grace",
      scopes: new Set(["files"]),
      expiresAt: Date.parse(resource.expires_at!) + TOKEN_LEEWAY_S * 1000,
    });
  });
});

describe("what is not a token", () => {
  const good = () => sign(claims());
  const flipped = (token: string) =>
    token.slice(0, -2) + (token.at(-2) === "A" ? "B" : "A") + token.at(-1);
  const withBody = (changed: object) => {
    const [header, , signature] = good().split(".");
    return `${header}.${part(claims(changed))}.${signature}`;
  };
  const unsigned = (alg: string) => `${part({ alg, typ: "JWT" })}.${part(claims())}.`;

  test.each<[string, () => string]>([
    ["a forged signature", () => flipped(good())],
    ["another account under a true signature", () => withBody({ sub: "bob" })],
    ["more scopes under a true signature", () => withBody({ scope: "admin" })],
    ["alg none", () => unsigned("none")],
    ["alg None", () => unsigned("None")],
    [
      "alg none with a true signature",
      () => sign(claims(), { header: { alg: "none", typ: "JWT" } }),
    ],
    ["no signature", () => `${good().split(".").slice(0, 2).join(".")}.`],
    ["HS512", () => sign(claims(), { header: { alg: "HS512", typ: "JWT" }, hash: "sha512" })],
    ["RS256 in name", () => sign(claims(), { header: { alg: "RS256", typ: "JWT" } })],
    ["another root key", () => signWith("another-root-key-of-the-same-length-or-so", claims())],
    ["the root key itself as key", () => sign(claims(), { key: Buffer.from(ROOT_KEY) })],
    ["an empty key", () => sign(claims(), { key: Buffer.alloc(32) })],
    ["a time that is text", () => sign(claims({ exp: "never" }))],
    ["another issuer", () => sign(claims({ iss: "someone-else" }))],
    ["no issuer", () => sign(claims({ iss: undefined }))],
    ["no account", () => sign(claims({ sub: undefined }))],
    ["an account of the wrong type", () => sign(claims({ sub: ["ada"] }))],
    ["an account with a slash", () => sign(claims({ sub: "ada/bob" }))],
    ["an account with dots first", () => sign(claims({ sub: "../ada" }))],
    ["an account with a look-alike", () => sign(claims({ sub: "аda" }))],
    ["an account that ends with a zero", () => sign(claims({ sub: "ada\0" }))],
    ["an account that ends with a line feed", () => sign(claims({ sub: "ada\n" }))],
    ["an account without end", () => sign(claims({ sub: "a".repeat(129) }))],
    ["no id", () => sign(claims({ jti: undefined }))],
    ["an id of another form", () => sign(claims({ jti: "' OR 1=1" }))],
    ["a session that is none", () => sign(claims({ sid: "" }))],
    ["a session of the wrong type", () => sign(claims({ sid: null }))],
    ["scopes of the wrong type", () => sign(claims({ scope: ["admin"] }))],
    ["no time of issue", () => sign(claims({ iat: undefined }))],
    ["a huge one", () => sign(claims({ filler: "x".repeat(8_000) }))],
    ["dots", () => ".."],
    ["nothing", () => ""],
  ])("%s", async (_what, token) => {
    await expect(read(token())).rejects.toMatchObject(refused);
  });

  test("what is wrong with it does not hold it", async () => {
    const token = flipped(good());
    const error = await read(token).catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(token);
  });
});

describe("clocks may be apart by half a minute and no more", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 }));
  afterEach(() => void vi.useRealTimers());

  test("at the end", async () => {
    const token = sign(claims({ exp: now() }));
    vi.setSystemTime(Date.now() + (TOKEN_LEEWAY_S - 1) * 1000);
    const { expiresAt } = await read(token);
    vi.setSystemTime(Date.now() + 1000);
    expect(expiresAt).toBe(Date.now());
    const late = { ...refused, message: "The token has expired." };
    await expect(read(token)).rejects.toMatchObject(late);
  });

  test("and at the beginning", async () => {
    const token = sign(claims({ nbf: now() + TOKEN_LEEWAY_S + 1 }));
    const early = { ...refused, message: "The token does not hold yet." };
    await expect(read(token)).rejects.toMatchObject(early);
    vi.setSystemTime(Date.now() + 1000);
    expect(await read(token)).toMatchObject({ account: "ada" });
  });
});
