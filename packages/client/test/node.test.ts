import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, request as httpRequest, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";

import { ClaudeEdge } from "@claude-edge/client";
import { createFetch, type NodeFetch, type NodeFetchOptions } from "@claude-edge/client/node";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";

import { deployment, failureOf, HEADERS, stream, turnEvent, WHOLE } from "./deployment.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function fetchOf(options?: NodeFetchOptions): NodeFetch {
  const fetch = createFetch(options);
  cleanups.push(() => fetch.close());
  return fetch;
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A proxy that passes plain requests on and tunnels for the others, and notes where to. */
async function startProxy(): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const { url = "", method, headers } = request;
    seen.push(new URL(url).host);
    const onward = httpRequest(url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  server.on("connect", (request, socket, head) => {
    seen.push(request.url!);
    const [host = "", port] = request.url!.split(":");
    const upstream = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });
  return { url: `http://127.0.0.1:${await portOf(server)}`, seen };
}

const health = { status: "ok", version: "0", protocol: 1 };

describe("createFetch", () => {
  test("carries whole turns", async () => {
    const fetch = fetchOf();
    const edge = await deployment((response) => stream(response).end(WHOLE.join("")), { fetch });
    expect((await edge.query("hi")).text).toBe("ab");
  });

  test("goes through the environment's proxy, and past it where that says so", async () => {
    const { url, seen } = await startProxy();
    vi.stubEnv("HTTP_PROXY", url);
    vi.stubEnv("http_proxy", url);
    vi.stubEnv("NO_PROXY", "");
    vi.stubEnv("no_proxy", "");
    const proxied = await deployment((response) => stream(response).end(WHOLE.join("")), {
      fetch: fetchOf(),
    });
    expect((await proxied.query("hi")).text).toBe("ab");
    expect(seen).toHaveLength(1);
    const direct = await deployment((response) => stream(response).end(WHOLE.join("")), {
      fetch: fetchOf({ proxy: false }),
    });
    expect((await direct.query("hi")).text).toBe("ab");
    expect(seen).toHaveLength(1);
  });

  test("goes through the proxy it is given", async () => {
    const { url, seen } = await startProxy();
    const edge = await deployment((response) => stream(response).end(WHOLE.join("")), {
      fetch: fetchOf({ proxy: url }),
    });
    expect((await edge.query("hi")).text).toBe("ab");
    expect(seen).toHaveLength(1);
  });

  test("holds no more connections than it may", async () => {
    let open = 0;
    let most = 0;
    const edge = await deployment(
      async (response) => {
        open += 1;
        most = Math.max(most, open);
        stream(response).write(turnEvent(1, "queued"));
        await new Promise((resolve) => setTimeout(resolve, 50));
        open -= 1;
        response.end(WHOLE.slice(1).join(""));
      },
      { fetch: fetchOf({ connections: 2 }) },
    );
    await Promise.all(Array.from({ length: 6 }, () => edge.query("hi").result()));
    expect(most).toBe(2);
  });

  test("gives up a connection that does not come to be", async () => {
    // An address that is for documentation: nothing answers there, or there is no way to it.
    const edge = new ClaudeEdge({
      baseURL: "http://192.0.2.1",
      token: "key",
      maxRetries: 0,
      fetch: fetchOf({ proxy: false, connectTimeout: 300 }),
    });
    const failure = await failureOf(edge.health());
    expect(["TimeoutError", "ConnectionError"]).toContain(failure!.name);
    expect(failure!.retryable).toBe(true);
  });
});

describe("mTLS", () => {
  let folder = "";
  const file = (name: string) => readFileSync(join(folder, name), "utf8");

  /** A certificate for a name, signed by the test's own authority. */
  function sign(name: string) {
    const openssl = (...args: string[]) =>
      execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    if (name === "ca") {
      const ca = ["-x509", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"];
      return openssl("req", ...key, ...ca);
    }
    const request = ["-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`];
    openssl("req", ...key, "-addext", "subjectAltName=IP:127.0.0.1", ...request);
    const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    return openssl(
      "x509",
      "-req",
      "-copy_extensions",
      "copy",
      "-in",
      `${name}.csr`,
      ...signing,
      "-out",
      `${name}.pem`,
    );
  }

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "mtls-"));
    for (const name of ["ca", "server", "client"]) sign(name);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("shows its certificate, and trusts the authority it is told", async () => {
    const names: string[] = [];
    const options = { key: file("server.key"), cert: file("server.pem"), ca: file("ca.pem") };
    const server = createTlsServer({ ...options, requestCert: true }, (request, response) => {
      const { CN } = (request.socket as TLSSocket).getPeerCertificate().subject ?? {};
      names.push(String(CN));
      response.writeHead(200, { ...HEADERS, "content-type": "application/json" });
      response.end(JSON.stringify(health));
    });
    const baseURL = `https://127.0.0.1:${await portOf(server as unknown as Server)}`;
    const ca = file("ca.pem");
    const shown = { ca, cert: file("client.pem"), key: file("client.key") };
    const of = (tls: NodeFetchOptions["tls"], proxy: string | false = false) =>
      new ClaudeEdge({ baseURL, token: "key", maxRetries: 0, fetch: fetchOf({ proxy, tls }) });
    expect(await of(shown).health()).toMatchObject({ status: "ok" });
    const { url, seen } = await startProxy();
    expect(await of(shown, url).health()).toMatchObject({ status: "ok" });
    expect(seen).toHaveLength(1);
    expect(names).toEqual(["client", "client"]);
    expect((await failureOf(of({}).health()))!.code).toBe("connection_failed");
  });
});

test("the root entry loads nothing but the wire and the parser", () => {
  const dist = fileURLToPath(new URL("../dist/", import.meta.url));
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (path: string) => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const [, from] of readFileSync(path, "utf8").matchAll(
      /^(?:import|export) [^;]*?from "([^"]+)"/gm,
    )) {
      if (from!.startsWith(".")) visit(join(dirname(path), from!));
      else packages.add(from!);
    }
  };
  visit(join(dist, "index.js"));
  expect(seen.size).toBeGreaterThan(10);
  expect([...packages].toSorted()).toEqual([
    "@claude-edge/protocol/internal",
    "@claude-edge/protocol/wire",
    "eventsource-parser",
  ]);
});
