import { holds, type Attack, type Family } from "../attack.ts";
import type { World } from "../world.ts";

const MODEL = "http://model.claude-edge.internal";

/** Writes bytes to the container's proxy, and prints the status lines that come back. */
const PROXY_CLIENT = (bytes: string) => `
  const { hostname, port } = new URL(process.env.HTTP_PROXY);
  const socket = require("node:net").connect(Number(port), hostname);
  let got = "";
  const end = () => {
    console.log(got.slice(-150));
    console.log("status=" + ([...got.matchAll(/^HTTP\\/1\\.[01] (\\d+)/gm)].map((m) => m[1]).join() || "000"));
    process.exit();
  };
  socket.on("data", (d) => { got += d; }).on("close", end).on("error", end);
  setTimeout(end, 3000);
  socket.write(Buffer.from("${Buffer.from(bytes).toString("base64")}", "base64"));`;

/** A container that asks its gateway for more than the model's routes, as its agent's own Bash would. */
export async function gateway(world: World): Promise<Family> {
  const { stack, alice, mallory } = world;
  const session = await mallory.client.sessions.create({ permissionMode: "bypassPermissions" });
  const bash = async (command: string): Promise<string> => {
    let printed = "";
    for await (const event of session.send(`%tool Bash ${JSON.stringify({ command })}\n%say ok`)) {
      if (event.kind === "message" && event.message.type === "user") {
        printed += JSON.stringify(event.message.tool_use_result ?? event.message);
      }
    }
    return printed;
  };
  const curl = (...args: string[]) =>
    `curl -s --max-time 10 --path-as-is -o - -w '\\nstatus=%{http_code}' ${args.join(" ")}`;
  const node = (script: string) =>
    `echo ${Buffer.from(script).toString("base64")} | base64 -d | '${process.execPath}' -`;
  const key = stack.model!.key;

  /** Commands that need nothing but to be run: all in one call of Bash, for each takes its time. */
  const commands: string[] = [];
  let ran: Promise<string[]> | undefined;
  const runAll = async () => {
    const lines = commands.map(
      (line, at) => `echo; echo "#${at}#"; { ${line}; } 2>&1 | tail -c 250`,
    );
    return (await bash(lines.join("\n"))).split(/#\d+#/).slice(1);
  };
  const answers = (name: string, command: string, expected: RegExp): Attack => {
    const place = commands.push(command) - 1;
    return holds(name, async () => {
      const seen = (await (ran ??= runAll()))[place] ?? "it did not run";
      if (seen.includes(key) || seen.includes(stack.token)) return "a key";
      const status = /status=([\d,]*)/.exec(seen)?.[1];
      return status !== undefined && expected.test(status) ? undefined : seen.slice(0, 200);
    });
  };
  const refusedBy = (name: string, ...args: string[]) => answers(name, curl(...args), /^403$/);
  const noRoute = (name: string, ...args: string[]) => answers(name, curl(...args), /^404$/);
  const raw = (name: string, bytes: string, expected = /^(403|400)$/) =>
    answers(name, node(PROXY_CLIENT(bytes)), expected);
  const close = "Connection: close\r\n\r\n";

  /** A model call of the container's own, with what it has put into its headers. */
  const message = {
    model: "claude-opus-5-5",
    max_tokens: 8,
    messages: [{ role: "user", content: "%say x" }],
  };
  const call = (...more: string[]) =>
    curl(
      "-H 'content-type: application/json'",
      ...more,
      `-d '${JSON.stringify(message)}' ${MODEL}/v1/messages`,
    );
  const modelSaw = (name: string, headers: Record<string, string>, absent: string[]) =>
    holds(name, async () => {
      const flags = Object.entries(headers).map(([header, value]) => `-H '${header}: ${value}'`);
      const seen = await bash(call(...flags));
      if (!seen.includes("status=200")) return seen.slice(0, 200);
      // The next newest is the agent's own, with the tool's result.
      const sent = stack.model!.requests.findLast(
        ({ body }) => (body as { max_tokens?: number }).max_tokens === 8,
      )!;
      if (sent.headers["x-api-key"] !== key) return "not the deployment's key";
      const told = JSON.stringify(sent.headers);
      return absent.find((text) => told.includes(text));
    });

  const usage = async () => (await world.ask("/v1/usage", { key: alice.token })).text;
  const before = await usage();

  return {
    controls: [
      answers("the model's models", curl(`${MODEL}/v1/models`), /^200$/),
      answers("a message", call(), /^200$/),
      answers(
        "by hand over the proxy",
        node(PROXY_CLIENT(`GET ${MODEL}/v1/models HTTP/1.1\r\nHost: x\r\n${close}`)),
        /^200$/,
      ),
    ],
    attacks: [
      ...[
        "/v1/files",
        "/v1/organizations",
        "/v1/organizations/me/api_keys",
        "/v1/messages/batches",
        "/v1/messages/../files",
        "/v1/messages/%2e%2e/files",
        "/v1/messages%2f..%2ffiles",
        "/v1/messages/",
        "/V1/models",
        "/v1/models/..%2ffiles",
        "/v1/models/x/../../files",
        "/v1/models/x/y",
        "/v1/models%00",
        "/v1/models;x",
        "/api/oauth/profile",
        "/",
      ].map((path) => noRoute(`GET ${path}`, `'${MODEL}${path}'`)),
      // workerd takes what follows two slashes for the host.
      refusedBy("GET //v1/messages", `'${MODEL}//v1/messages'`),
      ...["PUT", "DELETE", "PATCH", "OPTIONS", "GET"].map((method) =>
        noRoute(`${method} /v1/messages`, `-X ${method} ${MODEL}/v1/messages`),
      ),
      noRoute("POST /v1/models", `-X POST ${MODEL}/v1/models`),
      noRoute("a method in a header", `-H 'x-http-method-override: POST' ${MODEL}/v1/messages`),
      noRoute("a path in a header", `-H 'x-original-url: /v1/models' ${MODEL}/v1/files`),
      noRoute(
        "an upgrade",
        `-H 'Connection: upgrade' -H 'Upgrade: websocket' ${MODEL}/v1/realtime`,
      ),

      ...[
        "http://example.com/",
        "http://api.anthropic.com/v1/models",
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://100.100.100.200/",
        "http://[fd00:ec2::254]/",
        "http://10.0.0.1/",
        "http://11.0.0.1/",
        "http://runner/health",
        "http://model.claude-edge.internal.example.com/v1/models",
        "http://xmodel.claude-edge.internal/v1/models",
        "http://claude-edge.internal/v1/models",
        "http://model.claude-edge.internal@example.com/v1/models",
        "http://2852039166/",
        "http://0xa9.0xfe.0xa9.0xfe/",
      ].map((target) => refusedBy(`the host of ${target}`, `-g '${target}'`)),
      refusedBy(
        "another host under the model's name",
        `-H 'Host: model.claude-edge.internal' http://example.com/v1/models`,
      ),
      refusedBy(
        "another host, named to the proxy",
        `-H 'X-Hostname: model.claude-edge.internal' http://example.com/v1/models`,
      ),
      refusedBy("a tunnel to https://example.com/", "-k https://example.com/"),
      answers(
        "a tunnel to https://169.254.169.254/",
        curl("-k https://169.254.169.254/"),
        /^(000|403)$/,
      ),
      noRoute("a tunnel to the model", "-k https://model.claude-edge.internal/v1/files"),
      // Straight to the proxy, past what an HTTP client allows.
      raw(
        "CONNECT to a host",
        `CONNECT example.com:80 HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: example.com\r\n${close}`,
        /^200,403$/,
      ),
      raw("CONNECT to the metadata", `CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: x\r\n\r\n`),
      raw(
        "CONNECT to this machine",
        `CONNECT 127.0.0.1:${new URL(stack.url).port} HTTP/1.1\r\nHost: x\r\n\r\n`,
      ),
      raw(
        "CONNECT to the model",
        `CONNECT model.claude-edge.internal:80 HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/files HTTP/1.1\r\nHost: model.claude-edge.internal\r\n${close}`,
        /^200,404$/,
      ),
      raw("CONNECT to nothing", `CONNECT  HTTP/1.1\r\nHost: x\r\n\r\n`),
      raw(
        "this machine through the proxy",
        `GET ${stack.url}/health HTTP/1.1\r\nHost: x\r\n${close}`,
      ),
      raw(
        "this machine by name",
        `GET http://localhost:${new URL(stack.url).port}/health HTTP/1.1\r\nHost: x\r\n${close}`,
      ),
      raw("no host", `GET /v1/models HTTP/1.1\r\nHost: model.claude-edge.internal\r\n${close}`),
      raw(
        "a host of lines",
        `GET http://example.com%0d%0aX-Hostname:%20model.claude-edge.internal/ HTTP/1.1\r\nHost: x\r\n${close}`,
      ),
      raw("another scheme", `GET file:///etc/hostname HTTP/1.1\r\nHost: x\r\n${close}`),
      raw(
        "two readings of one request",
        `POST ${MODEL}/v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET ${MODEL}/v1/models HTTP/1.1\r\nHost: x\r\n${close}`,
        /^(404|400)$/,
      ),

      modelSaw("its own x-api-key", { "x-api-key": "mine-1" }, ["mine-1"]),
      modelSaw("its own Authorization", { authorization: "Bearer mine-2" }, [
        "mine-2",
        '"authorization"',
      ]),
      modelSaw("its own cookie", { cookie: "mine-3" }, ["mine-3", '"cookie"']),
      modelSaw(
        "its own cf-*",
        { "cf-connecting-ip": "10.9.8.7", "CF-Access-Client-Secret": "mine-4" },
        ["10.9.8.7", "mine-4"],
      ),
      modelSaw("its own host", { host: "evil.example" }, ["evil.example"]),
      modelSaw("its own proxy key", { "proxy-authorization": "Basic mine-5" }, ["mine-5"]),
      modelSaw(
        "Alice's account and session",
        { "x-account-id": "alice", "x-claude-code-session-id": alice.session },
        [],
      ),
      holds("what it asked for went on nobody else's account", async () =>
        (await usage()) === before ? undefined : `Alice's usage: ${await usage()}`,
      ),
      holds("keys in its environment, and in that of what started it", async () => {
        const seen = await bash("env; cat /proc/self/environ /proc/$PPID/environ; ls -la ~ .");
        if (!seen.includes("ANTHROPIC_API_KEY=placeholder")) return seen.slice(0, 200);
        return [key, stack.token].some((secret) => seen.includes(secret)) ? "a key" : undefined;
      }),
    ],
  };
}
