import {
  holds,
  judge,
  refused,
  works,
  type Attack,
  type Expected,
  type Family,
} from "../attack.ts";
import { askRaw, rawRequest } from "../send.ts";
import type { World } from "../world.ts";

const BAD_NAME = { status: 400, code: "invalid_request" };
const NO_KEY = { status: 401, code: "unauthorized" };
const NOT_HERS = { status: 403, code: "forbidden" };
/** The HTTP server itself does not take it. */
const NOT_HTTP = { status: 400 };

/** Two readings of one request, and headers that would speak for somebody else. */
export function headers(world: World): Family {
  const { stack, alice, mallory, ask } = world;
  const { url } = stack;
  const line = "GET /v1/sessions";
  const bearer = (key: string) => `Authorization: Bearer ${key}`;
  const raw = (given: readonly string[], of = line) =>
    askRaw(url, rawRequest(url, of, [...given, "Connection: close"])).then(([answer]) => answer!);
  const tried = (name: string, given: readonly string[], expected: Expected) =>
    refused(name, () => raw(given), expected);

  /** A body that two readers would end at different places; what is behind it must never be a request of its own. */
  const smuggled = (
    name: string,
    framing: readonly string[],
    body: string,
    first: Expected,
  ): Attack => ({
    name,
    attempt: async () => {
      // Without a key, and with Mallory's: neither may be answered as Alice, nor twice.
      const head = [bearer(mallory.token), "Content-Type: application/json", ...framing];
      const hidden = rawRequest(url, `GET /v1/sessions/${alice.session}`, ["Connection: close"]);
      const bytes = rawRequest(url, "POST /v1/sessions", head, body + hidden);
      const answers = await askRaw(url, bytes, { until: 2, ms: 1_500 });
      const [answer, second] = answers;
      if (!answer) return { repelled: true, saw: "the connection closed" };
      if (second && second.status !== 401 && second.status !== 400) {
        return { repelled: false, saw: `a second answer: ${second.status}` };
      }
      return judge(answer, first);
    },
  });
  const asMallory = (given: Record<string, string>) =>
    ask(`/v1/sessions/${alice.session}`, { key: mallory.token, headers: given });
  const forAlice: Record<string, string>[] = [
    { "x-forwarded-user": "alice" },
    { "x-forwarded-host": "alice", "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "https" },
    { forwarded: "for=127.0.0.1;host=runner" },
    { "x-real-ip": "127.0.0.1" },
    { "x-original-url": "/health", "x-rewrite-url": "/health" },
    { "x-http-method-override": "DELETE", "x-method-override": "DELETE" },
    { "cf-connecting-ip": "127.0.0.1", "cf-worker": "my-agent", "cf-ray": "1" },
    { "cf-access-jwt-assertion": alice.token, "cf-access-authenticated-user-email": "alice" },
    { "cf-container-target-port": "1" },
    { "x-claude-code-session-id": alice.session },
    { "x-claude-edge-account": "alice", "x-claude-edge-session": alice.session },
    { "x-claude-edge-token": alice.token, "x-claude-edge-root": "true" },
    { "x-account": "alice", "account-id": "alice", x_account_id: "alice" },
    { cookie: `account=alice; x-account-id=alice; session=${alice.session}` },
    { "proxy-authorization": `Bearer ${alice.token}` },
    { "x-api-key": alice.token },
    { "mf-custom-service": "core", "mf-op": "GET", "mf-op-target": "x" },
  ];

  return {
    controls: [
      works("a request by hand", () => raw([bearer(mallory.token)])),
      works("with her account's name", () => raw([bearer(mallory.token), "x-account-id: mallory"])),
      works(
        "a body in chunks",
        () =>
          askRaw(
            url,
            rawRequest(
              url,
              "POST /v1/sessions",
              [
                bearer(mallory.token),
                "Content-Type: application/json",
                "Transfer-Encoding: chunked",
              ],
              "2\r\n{}\r\n0\r\n\r\n",
            ),
          ).then(([answer]) => answer!),
        201,
      ),
    ],
    attacks: [
      tried("two keys, the good one first", [bearer(mallory.token), bearer("x")], NO_KEY),
      tried("two keys, the good one last", [bearer("x"), bearer(mallory.token)], NO_KEY),
      tried("two good keys", [bearer(mallory.token), bearer(alice.token)], NO_KEY),
      tried("two x-api-key", [`x-api-key: ${mallory.token}`, `x-api-key: ${alice.token}`], NO_KEY),
      tried(
        "two accounts",
        [bearer(mallory.token), "x-account-id: mallory", "x-account-id: alice"],
        BAD_NAME,
      ),
      tried(
        "two accounts, the other way",
        [bearer(mallory.token), "x-account-id: alice", "x-account-id: mallory"],
        BAD_NAME,
      ),
      tried("two accounts in one", [bearer(stack.token), "x-account-id: alice, mallory"], BAD_NAME),
      tried(
        "an account in other letters",
        [bearer(mallory.token), "X-ACCOUNT-ID: alice"],
        NOT_HERS,
      ),
      tried(
        "an account that is folded",
        [bearer(mallory.token), "x-account-id: mallory\r\n alice"],
        NOT_HTTP,
      ),
      tried(
        "a line that is only fed",
        [bearer(mallory.token), "x-a: b\nx-account-id: alice"],
        NOT_HERS,
      ),
      tried(
        "a bare carriage return",
        [bearer(mallory.token), "x-a: b\rx-account-id: alice"],
        NOT_HTTP,
      ),
      tried("NUL in a header", [bearer(mallory.token), "x-account-id: alice\0"], NOT_HTTP),
      tried("a blank before the colon", [bearer(mallory.token), "x-account-id : alice"], NOT_HTTP),
      tried("a header without a name", [bearer(mallory.token), ": alice"], NOT_HTTP),
      tried("a header without a colon", [bearer(mallory.token), "alice"], NOT_HTTP),
      // The front of the local stack makes an address of it, and cannot.
      tried("two hosts", [bearer(mallory.token), "Host: runner"], { status: [400, 500] }),
      tried(
        "the key named as hop-by-hop",
        ["Authorization: Bearer x", "Connection: authorization", `x-api-key: ${stack.token}`],
        NO_KEY,
      ),
      tried(
        "the account named as hop-by-hop",
        [bearer(mallory.token), "x-account-id: alice", "Connection: close, x-account-id"],
        NOT_HERS,
      ),
      tried(
        "an upgrade",
        [
          "Connection: upgrade",
          "Upgrade: websocket",
          "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ],
        NO_KEY,
      ),
      tried(
        "an upgrade to HTTP/2",
        ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"],
        NO_KEY,
      ),
      refused("CONNECT", () => raw([bearer(mallory.token)], "CONNECT runner:8080"), {
        status: [400, 404, 405, 500],
      }),
      refused("TRACE", () => raw([bearer(mallory.token)], "TRACE /v1/sessions"), {
        status: 405,
        code: "method_not_allowed",
      }),
      refused("no method", () => raw([bearer(mallory.token)], "ALICE /v1/sessions"), {
        status: 501,
      }),

      smuggled(
        "length and chunks",
        ["Content-Length: 4", "Transfer-Encoding: chunked"],
        "2\r\n{}\r\n0\r\n\r\n",
        { status: [201, 400] },
      ),
      smuggled(
        "chunks and length",
        ["Transfer-Encoding: chunked", "Content-Length: 4"],
        "2\r\n{}\r\n0\r\n\r\n",
        { status: [201, 400] },
      ),
      smuggled("two lengths", ["Content-Length: 2", "Content-Length: 30"], "{}", NOT_HTTP),
      smuggled("two lengths in one", ["Content-Length: 2, 2"], "{}", NOT_HTTP),
      smuggled("a negative length", ["Content-Length: -2"], "{}", NOT_HTTP),
      smuggled("a length with a sign", ["Content-Length: +2"], "{}", NOT_HTTP),
      smuggled("a length in hex", ["Content-Length: 0x2"], "{}", NOT_HTTP),
      smuggled(
        "a length past all numbers",
        ["Content-Length: 99999999999999999999999999"],
        "{}",
        NOT_HTTP,
      ),
      smuggled("a length too short", ["Content-Length: 2"], "{}", { status: 201 }),
      smuggled(
        "a coding that is none",
        ["Transfer-Encoding: xchunked"],
        "2\r\n{}\r\n0\r\n\r\n",
        NOT_HTTP,
      ),
      smuggled(
        "two codings",
        ["Transfer-Encoding: chunked, identity"],
        "2\r\n{}\r\n0\r\n\r\n",
        NOT_HTTP,
      ),
      smuggled(
        "two coding headers",
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        "2\r\n{}\r\n0\r\n\r\n",
        NOT_HTTP,
      ),
      smuggled(
        "a coding with a blank before the colon",
        ["Transfer-Encoding : chunked"],
        "2\r\n{}\r\n0\r\n\r\n",
        NOT_HTTP,
      ),
      smuggled(
        "a chunk of a size that is none",
        ["Transfer-Encoding: chunked"],
        "zz\r\n{}\r\n0\r\n\r\n",
        { status: [400, 500] },
      ),
      smuggled(
        "a chunk of a size past all numbers",
        ["Transfer-Encoding: chunked"],
        "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        { status: [400, 500] },
      ),

      ...forAlice.map((given) =>
        refused(`Alice's session with ${Object.keys(given).join(", ")}`, () => asMallory(given), {
          status: 404,
          code: "session_not_found",
        }),
      ),
      ...forAlice.map((given) =>
        refused(
          `without a key, but ${Object.keys(given).join(", ")}`,
          () => ask(`/v1/sessions/${alice.session}`, { headers: { ...given, "x-api-key": "x" } }),
          NO_KEY,
        ),
      ),
      holds("a request id from outside", async () => {
        const { headers: got } = await ask("/health", { headers: { "x-request-id": "req_mine" } });
        const id = got.get("x-request-id") ?? "";
        return /^req_[0-9a-f]{32}$/.test(id) ? undefined : `the answer has ${id}`;
      }),
      ...["GET", "OPTIONS"].map((method) =>
        holds(`${method} from another site's page`, async () => {
          const { status, headers: got } = await ask("/v1/sessions", {
            method,
            headers: {
              origin: "https://evil.example",
              "access-control-request-method": "GET",
              "access-control-request-headers": "authorization",
            },
          });
          const opened = [...got.keys()].find((name) => name.startsWith("access-control-"));
          return status === 401 && !opened ? undefined : `${status} ${opened}`;
        }),
      ),
    ],
  };
}
