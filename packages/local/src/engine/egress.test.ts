import { once } from "node:events";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
  type Server,
} from "node:http";
import { connect, type AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";

import { afterAll, beforeAll, expect, test } from "vitest";

import { Authority } from "./authority.js";
import { EgressProxy } from "./egress.js";

/** The names that nothing intercepts begin with this. */
const FREE = "free.";

/** Answers with what it was asked. `/echo` sends the body back as it comes, `/cut` breaks off. */
const worker = createServer((request, response) => {
  if (request.url === "/echo") return void request.pipe(response);
  if (request.url === "/cut") {
    response.writeHead(200, { "content-length": 10 }).write("half");
    return void setTimeout(() => response.destroy(), 20);
  }
  const { method, url, headers } = request;
  response.end(JSON.stringify({ method, url, host: headers.host, upgrade: headers.upgrade }));
}).on("upgrade", (request, socket) => {
  if (request.url === "/no")
    return void socket.end("HTTP/1.1 426 No\r\ncontent-length: 2\r\n\r\nno");
  socket.write("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  socket.pipe(socket);
});

/** What workerd's listener does: a tunnel to the Worker, or none. */
const dialled: string[] = [];
const listener = createServer().on("connect", (request, socket: Duplex) => {
  const { "x-hostname": plain, "x-tls-sni": tls } = request.headers;
  const name = String(plain ?? tls);
  dialled.push(plain === undefined ? `tls ${name}` : `plain ${name}`);
  const isFree = name.startsWith(FREE) || /:(22|8443)$/.test(request.url!);
  socket.write(`HTTP/1.1 ${isFree ? "202 Accepted" : "200 OK"}\r\n\r\n`);
  if (!isFree) worker.emit("connection", socket);
});

let authority: Authority;
let proxy: EgressProxy;
let proxyPort: number;
let workerdPort: number;

beforeAll(async () => {
  authority = await Authority.create();
  workerdPort = await listening(listener);
  proxy = new EgressProxy(() => ({ port: workerdPort, internet: false }), authority);
  proxyPort = Number(new URL(await proxy.listen()).port);
});
afterAll(() => {
  proxy.close();
  listener.closeAllConnections();
  listener.close();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** The status of a CONNECT, and its socket. */
async function tunnel(path: string): Promise<{ status: number | undefined; socket: Duplex }> {
  const sent = httpRequest({ host: "127.0.0.1", port: proxyPort, method: "CONNECT", path }).end();
  const [answer, socket] = (await once(sent, "connect")) as [IncomingMessage, Duplex];
  return { status: answer.statusCode, socket };
}

/** A TLS connection through the proxy, as of a program that trusts the authority. */
async function secure(name: string): Promise<Duplex> {
  const { socket } = await tunnel(`${name}:443`);
  const ended = connectTls({ socket, servername: name, ca: authority.certificate });
  await once(ended, "secureConnect");
  return ended;
}

async function ask(options: RequestOptions, body?: string): Promise<IncomingMessage> {
  const sent = httpRequest(options).end(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  return answer;
}
/** Plain HTTP through the proxy. */
const plain = (path: string, headers: Record<string, string> = {}) =>
  ask({ host: "127.0.0.1", port: proxyPort, path, headers });

test("TLS is ended, and workerd is asked for the name", async () => {
  const socket = await secure("git.test");
  const answer = await ask({
    createConnection: () => socket,
    path: "/a?b",
    headers: { host: "git.test" },
  });
  expect(JSON.parse(await text(answer))).toMatchObject({ url: "/a?b", host: "git.test" });
  expect(dialled.at(-1)).toBe("tls git.test");
});

test("a client that does not wait for the tunnel is heard too", async () => {
  const raw = connect(proxyPort, "127.0.0.1");
  // Held back until the client's first bytes of TLS can go out with it.
  raw.cork();
  raw.write("CONNECT eager.test:443 HTTP/1.1\r\nhost: eager.test:443\r\n\r\n");
  const beyond = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      raw.write(chunk, done);
      raw.uncork();
    },
  });
  let head: Buffer | undefined = Buffer.alloc(0);
  raw.on("data", (chunk: Buffer) => {
    if (!head) return void beyond.push(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    beyond.push(head.subarray(end + 4));
    head = undefined;
  });
  const ended = connectTls({ socket: beyond, servername: "eager.test", ca: authority.certificate });
  await once(ended, "secureConnect");
  const answer = await ask({ createConnection: () => ended, path: "/eager" });
  expect(await text(answer)).toContain("/eager");
  raw.destroy();
});

test("a connection takes one request after the other", async () => {
  const socket = await secure("kept.test");
  const before = dialled.length;
  for (const path of ["/1", "/2", "/3"]) {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: kept.test\r\n\r\n`);
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toContain(`"url":"${path}"`);
  }
  expect(dialled.length).toBe(before);
  socket.destroy();
});

test.each(["tls", "plain"])("over %s bodies stream in both directions", async (kind) => {
  const options =
    kind === "tls"
      ? { createConnection: await secure("echo.test").then((socket) => () => socket) }
      : { host: "127.0.0.1", port: proxyPort };
  const path = kind === "tls" ? "/echo" : "http://echo.test/echo";
  const sent = httpRequest({ ...options, method: "POST", path });
  sent.write("first");
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  expect(String((await once(answer, "data"))[0])).toBe("first");
  sent.end("last");
  expect(await text(answer)).toBe("last");
});

test.each(["tls", "plain"])("over %s WebSockets pass", async (kind) => {
  const options =
    kind === "tls"
      ? { createConnection: await secure("ws.test").then((socket) => () => socket) }
      : { host: "127.0.0.1", port: proxyPort };
  const headers = { connection: "Upgrade", upgrade: "websocket" };
  const at = (path: string) => (kind === "tls" ? path : `http://ws.test${path}`);
  const sent = httpRequest({ ...options, path: at("/"), headers }).end();
  const [answer, socket] = (await once(sent, "upgrade")) as [IncomingMessage, Duplex];
  expect(answer.statusCode).toBe(101);
  socket.write("ping");
  expect(String((await once(socket, "data"))[0])).toBe("ping");
  socket.destroy();
  if (kind === "tls") return;
  const refused = await ask({ ...options, path: at("/no"), headers });
  expect([refused.statusCode, await text(refused)]).toEqual([426, "no"]);
});

test("what else asks for an upgrade is answered without one", async () => {
  const answer = await plain("http://h2.test/", {
    connection: "Upgrade, HTTP2-Settings",
    upgrade: "h2c",
  });
  expect(answer.statusCode).toBe(200);
  expect(await text(answer)).not.toContain("upgrade");
});

test("a tunnel to port 80 carries plain HTTP", async () => {
  const { socket } = await tunnel("plain.test:80");
  const answer = await ask({
    createConnection: () => socket,
    path: "/x",
    headers: { host: "plain.test" },
  });
  expect(answer.statusCode).toBe(200);
  expect(dialled.at(-1)).toBe("plain plain.test");
});

test("a name is what it is in any case, with a dot at its end too", async () => {
  const { status, socket } = await tunnel("GIT.Test.:443");
  socket.destroy();
  expect([status, dialled.at(-1)]).toEqual([200, "tls git.test"]);
});

test.each([
  `${FREE}test:443`,
  `${FREE}test:80`,
  "git.test:22",
  "git.test:8443",
  "git.test",
  "git.test:99999",
  "127.0.0.1:443",
  "[::1]:443",
  "user@git.test:443",
  "-git.test:443",
  "git test:443",
  `${"a".repeat(300)}.test:443`,
  "",
])("a tunnel to %j is refused", async (target) => {
  const socket = connect(proxyPort, "127.0.0.1");
  socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: x\r\n\r\n`);
  expect(await text(socket)).toMatch(/^HTTP\/1.1 40[03] /);
});

test.each([
  [`http://${FREE}test/`, 403],
  ["https://git.test/", 400],
  ["ftp://git.test/", 400],
  ["/", 400],
])("plain HTTP to %s is answered with %d", async (url, status) => {
  const before = dialled.length;
  expect((await plain(url)).statusCode).toBe(status);
  expect(dialled.length - before).toBe(url.includes(FREE) ? 1 : 0);
});

test("what breaks off beyond breaks off here", async () => {
  const socket = await secure("cut.test");
  const tls = await ask({ createConnection: () => socket, path: "/cut" });
  await expect(text(tls)).rejects.toThrow();
  await expect(text(await plain("http://cut.test/cut"))).rejects.toThrow();
});

test("a client that does not trust the authority ends its own connection alone", async () => {
  const { socket } = await tunnel("git.test:443");
  const ended = connectTls({ socket, servername: "git.test" });
  await expect(once(ended, "secureConnect")).rejects.toThrow(/certificate/);
  const junk = await tunnel("git.test:443");
  junk.socket.write("GET / HTTP/1.1\r\n\r\n");
  await expect(text(junk.socket)).resolves.not.toContain("HTTP/1.1");
  (await secure("git.test")).destroy();
});

test("closing it closes what it carries", async () => {
  const own = new EgressProxy(() => ({ port: workerdPort, internet: false }), authority);
  const { port } = new URL(await own.listen());
  const sent = httpRequest({
    host: "127.0.0.1",
    port,
    method: "CONNECT",
    path: "git.test:443",
  }).end();
  const [, socket] = (await once(sent, "connect")) as [IncomingMessage, Duplex];
  socket.on("error", () => {});
  own.close();
  await once(socket, "close");
  expect(socket.destroyed).toBe(true);
});
