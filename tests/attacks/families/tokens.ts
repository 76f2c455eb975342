import {
  createHash,
  createHmac,
  generateKeyPairSync,
  randomUUID,
  sign as signBytes,
} from "node:crypto";

import { claims, keyOf, now, part, signWith, type Signing } from "../../support/signing.ts";
import { refused, works, type Expected, type Family } from "../attack.ts";
import { bodyOf, isKnown, pathOf, type Route } from "../routes.ts";
import type { World } from "../world.ts";

const REFUSED = { status: 401, code: "unauthorized" };

/** Every way to write a name that means "not signed". */
const NONE = ["none", "None", "NONE", "nOnE", "none ", " none", "none\0", "", "null", "nοne"];

/** What no token opens says so before it looks at this one; so does a body that is wrong. */
function revokedAt(route: Route): Expected {
  if (route.access === "root key") return { status: 403 };
  if (!route.dialect) return REFUSED;
  return { status: isKnown(route) ? 401 : [400, 401] };
}

/** Tokens for Alice's account that Mallory makes, who holds one of her own and no key. */
export async function tokens(world: World): Promise<Family> {
  const { stack, alice, mallory, ask, mint } = world;
  const sub = { sub: "alice" };
  const header = (fields: object) => ({ header: { alg: "HS256", typ: "JWT", ...fields } });
  /** With the deployment's key: only the header or the claims are wrong. */
  const sign = (changed: object = {}, how?: Signing) =>
    signWith(stack.token, claims({ ...sub, ...changed }), how);
  const own = Buffer.alloc(32, 7);
  const forged = (fields: object, key = own) => sign({}, { ...header(fields), key });
  const unsigned = (alg: unknown, signature = "") =>
    `${part({ alg, typ: "JWT" })}.${part(claims(sub))}.${signature}`;
  const [head = "", body = "", signature = ""] = alice.token.split(".");
  const jwk = { kty: "oct", k: own.toString("base64url"), alg: "HS256", kid: "own" };
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const signedRsa = (alg: string) => {
    const text = `${part({ alg, typ: "JWT", jwk: rsa.publicKey.export({ format: "jwk" }) })}.${part(claims(sub))}`;
    return `${text}.${signBytes("sha256", Buffer.from(text), rsa.privateKey).toString("base64url")}`;
  };
  const flipped = (text: string) =>
    text.slice(0, 8) + (text[8] === "A" ? "B" : "A") + text.slice(9);
  const rootBytes = Buffer.from(stack.token);

  const given: [name: string, token: string][] = [
    ...NONE.map((alg): [string, string] => [`alg ${JSON.stringify(alg)}`, unsigned(alg)]),
    ["alg null", unsigned(null)],
    ["alg missing", unsigned(undefined)],
    ["alg true", unsigned(true)],
    ["alg a list", unsigned(["none"])],
    ["alg none with another's signature", unsigned("none", signature)],
    ["alg none, truly signed", sign({}, header({ alg: "none" }))],
    ["alg hs256, truly signed", sign({}, header({ alg: "hs256" }))],
    ["alg HS384, truly signed", sign({}, { ...header({ alg: "HS384" }), hash: "sha384" })],
    ["alg HS512, truly signed", sign({}, { ...header({ alg: "HS512" }), hash: "sha512" })],
    ["alg HS384 in name only", sign({}, header({ alg: "HS384" }))],
    ["alg RS256 in name only", sign({}, header({ alg: "RS256" }))],
    ["alg RS256 with a key of its own", signedRsa("RS256")],
    ["alg PS256", signedRsa("PS256")],
    ["alg dir", sign({}, header({ alg: "dir", enc: "A256GCM" }))],
    [
      "another root key",
      await mint({ rootKey: "another-root-key-of-the-same-length-or-so", account: "alice" }),
    ],
    ["the root key itself as the key", sign({}, { key: rootBytes })],
    [
      "the root key's digest as the key",
      sign({}, { key: createHash("sha256").update(rootBytes).digest() }),
    ],
    ["the key of an empty root key", sign({}, { key: keyOf("") })],
    ["an empty key", sign({}, { key: Buffer.alloc(0) })],
    ["a key of zeros", sign({}, { key: Buffer.alloc(32) })],
    ["her own token as the key", sign({}, { key: Buffer.from(mallory.token) })],
    ["kid of a file that is empty", forged({ kid: "../../../../dev/null" }, Buffer.alloc(0))],
    ["kid with SQL", forged({ kid: "x' UNION SELECT 'a" })],
    ["a jwk that comes along", forged({ jwk })],
    ["a jwk, and its kid", forged({ jwk, kid: "own" })],
    ["a jku", forged({ jku: `${stack.model!.url}/keys.json` })],
    ["an x5u", forged({ x5u: `${stack.model!.url}/cert.pem` })],
    ["an x5c", forged({ x5c: ["MIIB"] })],
    ["crit that nobody knows, truly signed", sign({}, header({ crit: ["own"], own: 1 }))],
    ["b64 false, truly signed", sign({}, header({ crit: ["b64"], b64: false }))],
    ["no signature", `${head}.${body}.`],
    ["no signature and no dot", `${head}.${body}`],
    ["a claim changed", `${head}.${part(claims({ ...sub, scope: "admin" }))}.${signature}`],
    ["the header changed", `${flipped(head)}.${body}.${signature}`],
    ["the claims flipped", `${head}.${flipped(body)}.${signature}`],
    ["the signature flipped", `${head}.${body}.${flipped(signature)}`],
    ["the signature cut", `${head}.${body}.${signature.slice(0, -4)}`],
    ["the signature of her own", `${head}.${body}.${mallory.token.split(".")[2]}`],
    [
      "her own with Alice's claims",
      `${mallory.token.split(".")[0]}.${body}.${mallory.token.split(".")[2]}`,
    ],
    ["five parts", `${alice.token}.x.y`],
    ["two tokens", `${mallory.token}.${alice.token}`],
    ["expired", sign({ exp: now() - 31 })],
    ["expired at the beginning of time", sign({ exp: 0 })],
    ["expired before it", sign({ exp: -1 })],
    ["a time that is text", sign({ exp: "9999999999" })],
    ["a time that is null", sign({ exp: null })],
    ["not yet", sign({ nbf: now() + 60 })],
    ["not yet, in text", sign({ nbf: "0" })],
    ["another issuer", sign({ iss: "claude-edge.evil" })],
    ["issuers, a list", sign({ iss: ["claude-edge"] })],
    ["no id", sign({ jti: undefined })],
    ["an empty id", sign({ jti: "" })],
    ["an id with SQL", sign({ jti: "' OR revoked_at IS NULL --" })],
    ["no account", sign({ sub: undefined })],
    ["accounts, a list", sign({ sub: ["alice"] })],
    ["an account that is true", sign({ sub: true })],
    ["scopes, a list", sign({ scope: ["admin"] })],
    ["no scopes", sign({ scope: undefined })],
    ["a session that is none", sign({ sid: "../" })],
    ["a session that is null", sign({ sid: null })],
    ["more than a token holds", forged({ filler: "x".repeat(2_000) })],
    ["claims that are a list", signWith(stack.token, [claims(sub)])],
    ["claims that are text", signWith(stack.token, "alice" as unknown as object)],
    ["dots", ".."],
    ["a prefix of the root key", stack.token.slice(0, -1)],
    ["the root key and more", `${stack.token}x`],
    ["the root key in other letters", stack.token.toUpperCase()],
    ["the model's key", stack.model!.key],
    ["placeholder", "placeholder"],
    ["HMAC of nothing", createHmac("sha256", own).update("").digest("hex")],
  ];

  const sessions = "/v1/sessions";
  const elsewhere: [name: string, headers: Record<string, string>, query?: string][] = [
    ["in the query", {}, `?token=${alice.token}&access_token=${alice.token}&key=${stack.token}`],
    ["in a cookie", { cookie: `token=${alice.token}; authorization=Bearer ${alice.token}` }],
    ["in Proxy-Authorization", { "proxy-authorization": `Bearer ${stack.token}` }],
    ["as Basic", { authorization: `Basic ${Buffer.from(`:${stack.token}`).toString("base64")}` }],
    ["as Bearer Bearer", { authorization: `Bearer Bearer ${stack.token}` }],
    ["behind a comma", { authorization: `Bearer x, Bearer ${stack.token}` }],
    ["without a scheme", { authorization: stack.token }],
    ["as x-api-key beside another", { authorization: "Bearer x", "x-api-key": stack.token }],
    ["in X-Forwarded-Authorization", { "x-forwarded-authorization": `Bearer ${stack.token}` }],
    ["not at all", {}],
  ];

  const id = randomUUID();
  const revoked = await mint({ account: "alice", id, scopes: ["admin"] });
  await ask(`/v1/tokens/${id}`, { method: "DELETE", key: stack.token, account: "alice" });
  const [revokedHead, revokedBody, revokedSignature = ""] = revoked.split(".");
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet.indexOf(revokedSignature.at(-1)!);
  // The last character's two lowest bits mean nothing: four spellings of one signature.
  const respelled = `${revokedHead}.${revokedBody}.${revokedSignature.slice(0, -1)}${alphabet[last ^ 1]}`;
  const routes = world.routes.filter(({ access }) => access !== "open");

  return {
    controls: [
      works("Alice's token", () => ask(sessions, { key: alice.token })),
      works("the same as x-api-key", () =>
        ask(sessions, { headers: { "x-api-key": alice.token } }),
      ),
      works("one that is signed here", () => ask(sessions, { key: sign() })),
      works("one that has just expired", () => ask(sessions, { key: sign({ exp: now() - 20 }) })),
      works("the root key", () => ask(sessions, { key: stack.token })),
      works("a token of Alice's that was not revoked", async () =>
        ask(sessions, { key: await mint({ account: "alice", scopes: ["admin"] }) }),
      ),
    ],
    attacks: [
      ...given.flatMap(([name, token]) => [
        refused(name, () => ask(sessions, { key: token }), REFUSED),
        refused(
          `${name}, as x-api-key`,
          () => ask(sessions, { headers: { "x-api-key": token } }),
          REFUSED,
        ),
      ]),
      ...elsewhere.map(([name, headers, query = ""]) =>
        refused(`a key ${name}`, () => ask(sessions + query, { headers }), REFUSED),
      ),
      ...[
        ["no key", undefined],
        ["a forged token", forged({})],
      ].flatMap(([name, key]) =>
        routes.map((route) =>
          refused(
            `${name}: ${route.method} ${route.path}`,
            () => ask(pathOf(route, alice), { method: route.method, key: key!, ...bodyOf(route) }),
            route.dialect ? { status: 401 } : REFUSED,
          ),
        ),
      ),
      ...routes.map((route) =>
        refused(
          `revoked: ${route.method} ${route.path}`,
          () => ask(pathOf(route, alice), { method: route.method, key: revoked, ...bodyOf(route) }),
          revokedAt(route),
        ),
      ),
      refused(
        "revoked, its signature in another spelling",
        () => ask(sessions, { key: respelled }),
        REFUSED,
      ),
      refused(
        "revoked, as x-api-key",
        () => ask(sessions, { headers: { "x-api-key": revoked } }),
        REFUSED,
      ),
    ],
  };
}
