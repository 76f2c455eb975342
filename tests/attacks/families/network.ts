import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";

import { holds, refused, works, type Attack, type Family } from "../attack.ts";
import { openShell, type ContainerShell } from "../container-shell.ts";
import type { Probe } from "../probe.ts";
import type { World } from "../world.ts";
import { BAD_POLICIES, MODEL_CALLS, privateSpellings, SHUT_SPELLINGS } from "./network-inputs.ts";

const MODEL = "http://model.claude-edge.internal/v1/messages";
/** How long a gateway goes by what it knows, and a little more, milliseconds. */
const RULES_MS = 6_000;
/** Statuses of answers, or none: where a request went is what counts. */
const ANY = /^(\d{3},?)*$/;
const CLOSE = "Connection: close\r\n\r\n";

/** A container that wants out past its policies, as its agent's own shell would, and whoever would widen them. */
export async function network(world: World): Promise<Family> {
  const { stack, hosts, alice, mallory, ask } = world;
  const { asked } = hosts;
  const put = (account: string, policy: unknown, key = stack.token) =>
    ask("/v1/network", { method: "PUT", key, account, json: { policy } });
  const limited = (...allowed_hosts: string[]) => ({ type: "limited", allowed_hosts }) as const;
  await put("mallory", {
    ...limited("open.test", "other.test", "*.wide.test", "self.test"),
    allow_mcp_servers: true,
    allow_web_tools: false,
  });
  // Rules that were read before count for a moment.
  await sleep(RULES_MS);
  await alice.client.sessions.create({
    mcpServers: { docs: { type: "http", url: "http://alice-mcp.test/mcp" } },
  });

  const shell = await openShell(mallory);
  const narrow = await openShell(mallory, { network: limited("other.test") });
  const wide = await openShell(mallory, { network: { type: "unrestricted" } });

  let marks = 0;
  /** A path that only one attack asks for. */
  const newMark = () => `/m${(marks += 1)}/`;
  const reached = (mark: string, permitted: readonly string[]) =>
    asked.find(({ name, url }) => url.includes(mark) && !permitted.includes(name));
  /** What is wrong with where a request went, and with how it looked there. */
  const problemOf = (mark: string, permitted: readonly string[]) => {
    const wrong = reached(mark, permitted);
    if (wrong) return `reached ${wrong.name}${wrong.url}`;
    const foreign = asked.find(
      ({ name, url, headers }) => url.includes(mark) && headers.host !== hosts.origin(name).host,
    );
    return foreign && `${foreign.name} was asked as ${foreign.headers.host}`;
  };

  /** A probe; an answer that is no refusal may come from the permitted hosts alone. */
  const probe = (
    name: string,
    through: Probe["through"],
    bytes: (mark: string) => string,
    permitted: readonly string[] = [],
    expected: RegExp = permitted.length > 0 ? ANY : /^((4|5)\d\d,?)*$/,
  ): Attack => {
    const mark = newMark();
    const statuses = shell.probe({ through, bytes: bytes(mark) });
    return holds(name, async () => {
      const problem = problemOf(mark, permitted);
      return problem ?? (expected.test(statuses()) ? undefined : `answered ${statuses()}`);
    });
  };
  const OPEN = ["open.test"];
  const get = (url: string, host: string) => `GET ${url} HTTP/1.1\r\nHost: ${host}\r\n${CLOSE}`;
  /** A host in every place where a request names one. */
  const spelled = (host: string, permitted: readonly string[] = []): Attack[] => [
    probe(
      `${host} in the proxy's request`,
      "proxy",
      (mark) => get(`http://${host}${mark}`, "open.test"),
      permitted,
    ),
    ...(["open.test:80", "open.test:443"] as const).map((through) =>
      probe(`${host} as the Host, ${through}`, through, (mark) => get(mark, host), permitted),
    ),
    probe(
      `${host} in an absolute URL in a tunnel`,
      "open.test:80",
      (mark) => get(`http://${host}${mark}`, "open.test"),
      OPEN,
    ),
  ];

  /** A command with curl. */
  const curl = (
    name: string,
    args: (mark: string) => string,
    {
      permitted = [],
      expected = /^403$/,
      within = shell,
    }: { permitted?: readonly string[]; expected?: RegExp; within?: ContainerShell } = {},
  ): Attack => {
    const mark = newMark();
    const printed = within.add(
      `curl -s -o /dev/null -m 10 -g --path-as-is --noproxy '' -w 'status=%{http_code}' ${args(mark)}`,
    );
    return holds(name, async () => {
      const status = /status=(\d+)/.exec(printed())?.[1] ?? printed();
      return problemOf(mark, permitted) ?? (expected.test(status) ? undefined : status);
    });
  };

  /** A second request that one reader of the first would find in its body. */
  const smuggled = (name: string, framing: string, body: string): Attack[] =>
    (["proxy", "open.test:80", "open.test:443"] as const).map((through) =>
      probe(
        `${name}, ${through}`,
        through,
        (mark) => {
          const at = through === "proxy" ? "http://open.test" : "";
          const hidden =
            get(`${through === "proxy" ? "http://shut.test" : ""}${mark}`, "shut.test") +
            get(`http://shut.test${mark}`, "shut.test");
          return `POST ${at}/x HTTP/1.1\r\nHost: open.test\r\n${framing}\r\n\r\n${body}${hidden}`;
        },
        [],
        ANY,
      ),
    );

  const modelCall = (name: string, bytes: string | Buffer, flags = "", expected = /^403$/) =>
    curl(
      `a model call with ${name}`,
      () => {
        const data = `@<(echo ${Buffer.from(bytes).toString("base64")} | base64 -d)`;
        return `${flags} -H 'content-type: application/json' --data-binary ${data} ${MODEL}`;
      },
      { expected },
    );
  const zipped = gzipSync(MODEL_CALLS["an MCP server"]!);

  const OURS = {
    "x-claude-edge-account": "alice",
    "x-claude-edge-container-of": "forged",
    "x-claude-edge-error": "forged",
    "cf-connecting-ip": "10.9.8.7",
    "cf-worker": "forged",
    "CF-Access-Client-Secret": "forged",
    "proxy-authorization": "Basic forged",
  };

  const family: Family = {
    controls: [
      curl("an allowed host", (mark) => `http://open.test${mark}`, {
        permitted: OPEN,
        expected: /^200$/,
      }),
      curl("over TLS", (mark) => `-k https://open.test${mark}`, {
        permitted: OPEN,
        expected: /^200$/,
      }),
      curl("below a wildcard", (mark) => `http://sub.wide.test${mark}`, {
        permitted: ["sub.wide.test"],
        expected: /^200$/,
      }),
      curl("of a session's own policy", (mark) => `http://other.test${mark}`, {
        permitted: ["other.test"],
        expected: /^200$/,
        within: narrow,
      }),
      probe(
        "by hand over the proxy",
        "proxy",
        (mark) => get(`http://open.test${mark}`, "open.test"),
        OPEN,
        /^200$/,
      ),
      probe("by hand in a tunnel", "open.test:80", (mark) => get(mark, "open.test"), OPEN, /^200$/),
      probe("by hand in TLS", "open.test:443", (mark) => get(mark, "open.test"), OPEN, /^200$/),
      works("her account's policy", () => ask("/v1/network", { key: mallory.token })),
    ],
    attacks: [
      ...SHUT_SPELLINGS.flatMap((host) => spelled(host)),
      // Backslashes are slashes: the rest is a path.
      ...spelled("open.test\\.shut.test", OPEN),
      ...privateSpellings(hosts.origin("shut.test").port).flatMap((host) => spelled(host)),

      ...["alice.test", "alice-mcp.test", "ports.test"].flatMap((host) => spelled(host)),
      curl(
        "Alice's host by her name",
        (mark) =>
          `-H 'x-account-id: alice' -H 'x-claude-edge-account: alice' http://alice.test${mark}`,
      ),
      curl("a host that the session's policy leaves out", (mark) => `http://open.test${mark}`, {
        within: narrow,
      }),
      curl("a host that an unrestricted session would reach", (mark) => `http://shut.test${mark}`, {
        within: wide,
      }),
      curl("Alice's host of an unrestricted session", (mark) => `http://alice.test${mark}`, {
        within: wide,
      }),
      curl("its own deployment by a name that is allowed", (mark) => `http://self.test${mark}`, {
        permitted: ["self.test"],
      }),
      curl(
        "its own deployment, with a mark of its own",
        (mark) =>
          `-H 'x-claude-edge-container-of: x' -H 'connection: x-claude-edge-container-of' http://self.test${mark}`,
        {
          permitted: ["self.test"],
        },
      ),

      ...["80@shut.test", "22", "8443", "0", "65536", "-1", hosts.origin("shut.test").port].flatMap(
        (port) => spelled(`open.test:${port}`).slice(0, 3),
      ),
      ...[
        `//127.0.0.1:${hosts.origin("shut.test").port}`,
        `/\\127.0.0.1:${hosts.origin("shut.test").port}`,
      ].map((path) =>
        curl(`another host in the path: ${path}`, (mark) => `'http://open.test${path}${mark}'`, {
          permitted: OPEN,
          // workerd takes what follows two slashes for the host, and so does the policy.
          expected: /^(200|403)$/,
        }),
      ),
      ...[
        "http://shut.test",
        `http://127.0.0.1:${hosts.origin("shut.test").port}`,
        "http://169.254.169.254",
        "//shut.test",
        "http://alice.test",
      ].map((to) =>
        curl(
          `a redirection to ${to}`,
          (mark) => `-L 'http://open.test/?to=${encodeURIComponent(to + mark)}'`,
        ),
      ),

      ...["CONNECT shut.test:443", "CONNECT open.test:443", "CONNECT 127.0.0.1:80"].flatMap(
        (line) =>
          (["open.test:80", "open.test:443"] as const).map((through) =>
            probe(
              `${line} inside ${through}`,
              through,
              (mark) => `${line} HTTP/1.1\r\nHost: shut.test\r\n\r\n${get(mark, "shut.test")}`,
            ),
          ),
      ),
      ...(["shut.test:80", "shut.test:443", "alice.test:443"] as const).map((target) =>
        probe(`a tunnel to ${target}`, target, (mark) => get(mark, target.split(":")[0]!)),
      ),
      ...["open.test:22", "shut.test:8080", "127.0.0.1:80", "[::1]:443"].map((target) =>
        probe(`a tunnel to ${target}`, "proxy", () => `CONNECT ${target} HTTP/1.1\r\n\r\n`),
      ),
      probe(
        "two hosts",
        "open.test:80",
        (mark) => `GET ${mark} HTTP/1.1\r\nHost: open.test\r\nHost: shut.test\r\n${CLOSE}`,
        OPEN,
      ),
      probe(
        "two hosts, the other way",
        "open.test:80",
        (mark) => `GET ${mark} HTTP/1.1\r\nHost: shut.test\r\nHost: open.test\r\n${CLOSE}`,
        OPEN,
      ),
      probe("no host", "open.test:80", (mark) => `GET ${mark} HTTP/1.1\r\n${CLOSE}`, OPEN),
      probe(
        "HTTP/1.0 without a host",
        "open.test:80",
        (mark) => `GET ${mark} HTTP/1.0\r\n\r\n`,
        OPEN,
      ),
      ...[
        "x-forwarded-host",
        "x-host",
        "x-original-host",
        "forwarded",
        "x-hostname",
        "x-tls-sni",
        "mf-original-hostname",
        "mf-original-url",
        "cf-connecting-host",
      ].map((header) =>
        curl(
          `shut.test in ${header}`,
          (mark) => `-H '${header}: shut.test' http://open.test${mark}`,
          {
            permitted: OPEN,
            expected: /^[245]\d\d$/,
          },
        ),
      ),
      probe(
        "an upgrade to a WebSocket",
        "proxy",
        (mark) =>
          `GET http://shut.test${mark} HTTP/1.1\r\nHost: open.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      ),
      probe(
        "an upgrade to a WebSocket in a tunnel",
        "open.test:80",
        (mark) =>
          `GET ${mark} HTTP/1.1\r\nHost: shut.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      ),

      ...smuggled(
        "length and chunks",
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "0\r\n\r\n",
      ),
      ...smuggled(
        "chunks and length",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "0\r\n\r\n",
      ),
      ...smuggled("two lengths", "Content-Length: 0\r\nContent-Length: 400", ""),
      ...smuggled("two lengths, the other way", "Content-Length: 400\r\nContent-Length: 0", ""),
      ...smuggled("a coding that is none", "Transfer-Encoding: xchunked", "0\r\n\r\n"),
      ...smuggled(
        "two codings",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "0\r\n\r\n",
      ),
      ...smuggled(
        "a coding behind a tab",
        "Transfer-Encoding:\tchunked\r\nContent-Length: 4",
        "0\r\n\r\n",
      ),
      ...smuggled("a length that is too short", "Content-Length: 1", "x"),
      ...smuggled("a header line that is only fed", "X: y\nContent-Length: 0", ""),

      holds("headers of ours", async () => {
        const mark = newMark();
        const flags = Object.entries(OURS).map(([name, value]) => `-H '${name}: ${value}'`);
        await shell.run(`curl -s -m 10 ${flags.join(" ")} http://open.test${mark}`);
        const got = asked.find(({ url }) => url === mark)?.headers;
        if (!got) return "it was not asked";
        const told = JSON.stringify(got);
        return /forged|alice|10\.9\.8\.7/.test(told) ? told : undefined;
      }),

      ...Object.entries(MODEL_CALLS).map(([name, body]) => modelCall(name, body)),
      modelCall("compression", zipped, "-H 'content-encoding: gzip'", /^415$/),
      ...Object.entries(MODEL_CALLS).map(([name, body]) =>
        refused(
          `Mallory's own call with ${name}`,
          () => ask("/v1/messages", { key: mallory.token, body }),
          { status: 403 },
        ),
      ),
      holds("what the model was asked for in none of them", async () => {
        const seen = stack.model!.asked("shut.test").find(({ body }) => "mcp_servers" in body);
        return seen && JSON.stringify(seen.body).slice(0, 200);
      }),

      refused(
        "a policy with a token",
        () => put("mallory", { type: "unrestricted" }, mallory.token),
        { status: 403, code: "forbidden" },
      ),
      refused("no policy with a token", () => put("mallory", null, mallory.token), {
        status: 403,
        code: "forbidden",
      }),
      refused("Alice's policy with Mallory's token", () => put("alice", limited(), mallory.token), {
        status: 403,
        code: "forbidden",
      }),
      refused(
        "Alice's policy",
        () => ask("/v1/network", { key: mallory.token, account: "alice" }),
        { status: 403, code: "forbidden" },
      ),
      ...[
        { type: "unrestricted" },
        limited("shut.test"),
        limited("*.test"),
        limited("wide.test"),
        limited("open.test:8443"),
        limited("*.shut.test"),
      ].map((policy) =>
        refused(
          `wider than the deployment: ${JSON.stringify(policy)}`,
          () => put("mallory", policy),
          { status: 409, code: "network_too_wide" },
        ),
      ),
      ...Object.entries(BAD_POLICIES).flatMap(([name, policy]) => [
        refused(`a policy that is ${name}`, () => put("mallory", policy), { status: [400, 413] }),
        refused(
          `a session's that is ${name}`,
          () => ask("/v1/sessions", { key: mallory.token, json: { options: { network: policy } } }),
          { status: [400, 413] },
        ),
      ]),
      holds("what counts is what it was", async () => {
        const { text } = await ask("/v1/network", { key: mallory.token });
        return text.includes('"*.wide.test"') && !text.includes("shut.test") ? undefined : text;
      }),
    ],
  };
  for (const opened of [shell, narrow, wide]) await opened.runAdded();
  return family;
}
