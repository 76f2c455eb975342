import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { gzipSync } from "node:zlib";

import { packTar } from "modern-tar";

import { answerGit, makeRepository } from "./git-server.js";

/** A server on this machine that stands for a host of the internet; a stack leads its name here. */
export interface Origin {
  /** Plain HTTP on loopback: what `CLAUDE_EDGE_PRIVATE_HOSTS` maps the name to. */
  url: string;
  close(): void;
}

/** The size of `/big`. */
export const BIG = 8 * 1024 * 1024;

/**
 * - `/project.git`: a repository with a `README.md` that says "Read me."; anybody may push
 * - `/greeting`, and the tarball: an npm registry's package, whose main prints "hello from npm"
 * - `/simple/greeting/`, and the wheel: a Python index's package, which prints "hello from pip" when it is imported
 * - `/echo`: the body, as it comes; `/big`: many bytes
 * - `/events`: a server-sent event, and another one after `/release`
 * - an upgrade: a WebSocket that says "hello"
 * - everything else: the method and the path
 * @param name The name by which it is reached.
 */
export async function startOrigin(name: string): Promise<Origin> {
  const folder = mkdtempSync(join(tmpdir(), "origin-"));
  makeRepository(folder, "project.git", "Read me.\n");
  const tarball = await npmPackage();
  const wheel = pythonWheel(join(folder, WHEEL));
  const released = Promise.withResolvers<void>();
  const answers: Record<string, (request: IncomingMessage, response: ServerResponse) => unknown> = {
    "/echo": (request, response) => request.pipe(response),
    "/big": (_request, response) => response.end(Buffer.alloc(BIG, "x")),
    "/events": async (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: first\n\n");
      await released.promise;
      response.end("data: last\n\n");
    },
    "/release": (_request, response) => {
      released.resolve();
      response.end();
    },
    "/greeting": (_request, response) => response.end(packument(name)),
    [TARBALL]: (_request, response) => response.end(tarball),
    "/simple/greeting/": (_request, response) => {
      response.setHeader("content-type", "text/html").end(`<a href="/${WHEEL}">${WHEEL}</a>`);
    },
    [`/${WHEEL}`]: (_request, response) => response.end(wheel),
  };
  const server = createServer((request, response) => {
    const { url = "", method } = request;
    if (url.startsWith("/project.git")) return answerGit(folder, request, response);
    const answer = answers[url];
    if (answer) answer(request, response);
    else response.end(`${method} ${url}`);
  }).on("upgrade", sayHello);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const TARBALL = "/greeting/-/greeting-1.0.0.tgz";
const WHEEL = "greeting-1.0.0-py3-none-any.whl";

const packument = (host: string) =>
  JSON.stringify({
    name: "greeting",
    "dist-tags": { latest: "1.0.0" },
    versions: {
      "1.0.0": {
        name: "greeting",
        version: "1.0.0",
        dist: { tarball: `https://${host}${TARBALL}` },
      },
    },
  });

async function npmPackage(): Promise<Buffer> {
  const files = {
    "package/package.json": JSON.stringify({ name: "greeting", version: "1.0.0" }),
    "package/index.js": 'console.log("hello from npm");\n',
  };
  const entries = Object.entries(files).map(([path, body]) => ({
    header: { name: path, size: Buffer.byteLength(body) },
    body,
  }));
  return gzipSync(await packTar(entries));
}

function pythonWheel(path: string): Buffer {
  const info = "greeting-1.0.0.dist-info";
  const files = {
    "greeting.py": 'print("hello from pip")\n',
    [`${info}/METADATA`]: "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0.0\n",
    [`${info}/WHEEL`]:
      "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    [`${info}/RECORD`]: `greeting.py,,\n${info}/METADATA,,\n${info}/WHEEL,,\n${info}/RECORD,,\n`,
  };
  const script =
    "import json, sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z:\n for n, t in json.loads(sys.argv[2]).items(): z.writestr(n, t)";
  execFileSync("python3", ["-c", script, path, JSON.stringify(files)]);
  return readFileSync(path);
}

/** Accepts a WebSocket, and sends one frame of text. */
function sayHello(request: IncomingMessage, socket: Duplex): void {
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const head = [
    "HTTP/1.1 101 Switching Protocols",
    "Connection: Upgrade",
    "Upgrade: websocket",
    `Sec-WebSocket-Accept: ${createHash("sha1").update(key).digest("base64")}`,
  ];
  socket.on("error", () => {});
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  socket.write(Buffer.concat([Buffer.from([0x81, 5]), Buffer.from("hello")]));
}
