import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { OutgoingHttpHeaders } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { found, useDoctor } from "./support/doctor.js";
import { passOn } from "./support/loopback.js";

const { edge, run, key, doctor, look, through, listen, serve, folderWith, devFolder } =
  useDoctor("doctor-way");

async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function selfSigned(): Promise<string> {
  const folder = folderWith({ "x.txt": "" });
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const made = ["-keyout", keyFile, "-out", certFile, "-days", "1", "-nodes"];
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      ...made,
      ...subject,
    ],
    {
      stdio: "ignore",
    },
  );
  const options = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
  return `https://127.0.0.1:${await listen(createTlsServer(options))}`;
}

async function hangsUp(): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer((socket) => socket.destroy()))}`;
}

describe("the way to a deployment", () => {
  test("none is named: nothing fails, and all that needs one is skipped", async () => {
    const { code, byId } = await doctor();
    expect(code).toBe(0);
    expect(byId.target).toMatchObject(found("skip", "no deployment", "CLAUDE_EDGE_URL"));
    expect(byId.reach).toMatchObject(found("skip", 'needs "target"'));
    expect(byId.stream).toMatchObject(found("skip", 'needs "access"'));
  });

  test("a dev file whose process is gone, or whose process is another's now", async () => {
    const dead = await doctor([], {
      cwd: devFolder({ url: "http://localhost:8787", token: "t", pid: 0 }),
    });
    expect(dead.byId.target).toMatchObject(found("warn", "left behind", "start `claude-edge dev`"));
    const url = `http://localhost:${await closedPort()}`;
    const reused = await doctor([], { cwd: devFolder({ url, token: "t", pid: process.pid }) });
    expect(reused.code).toBe(1);
    expect(reused.byId.reach).toMatchObject(found("fail", "Nothing listens", "dev` again"));
  });

  test.each<[string, () => string | Promise<string>, string, string, string]>([
    ["not a URL", () => "my-agent", "target", "not the URL", "https://"],
    [
      "one with a password",
      () => "https://u:hunter2@x.invalid",
      "target",
      "password",
      "take it out",
    ],
    ["another scheme", () => "ftp://example.com", "target", "not the URL", "https://"],
    [
      "a name there is not",
      () => "https://none.invalid",
      "reach",
      "DNS: the name none",
      "spelling",
    ],
    [
      "a closed port",
      async () => `http://127.0.0.1:${await closedPort()}`,
      "reach",
      "Nothing listens",
      "port",
    ],
    [
      "TLS where there is none",
      () => edge.stack.url.replace("http:", "https:"),
      "reach",
      "TLS: no secure",
      "http://",
    ],
    [
      "a certificate nobody signed",
      selfSigned,
      "reach",
      "TLS: the certificate",
      "NODE_EXTRA_CA_CERTS",
    ],
    ["a server that hangs up", hangsUp, "reach", "could not be reached", "check the URL"],
  ])("%s", async (_what, url, id, message, fix) => {
    const { code, failed, byId } = await look(await url());
    expect({ code, failed }).toEqual({ code: 1, failed: [id] });
    expect(byId[id]).toMatchObject(found("fail", message, fix));
  });

  const html = { "content-type": "text/html" };
  const access = "https://team.cloudflareaccess.com/cdn-cgi/access/login/my-agent";
  test.each<[string, number, OutgoingHttpHeaders, string, string]>([
    ["a login page", 200, html, "login or web page", "Cloudflare Access"],
    ["a forbidden page", 403, html, "login or web page", "Cloudflare Access"],
    ["Cloudflare Access", 302, { location: access }, "Cloudflare Access", "bypass"],
    ["another redirection", 301, { location: "/en" }, "login or web page", "URL"],
    [
      "a Worker that is not there",
      404,
      html,
      "no claude-edge deployment: 404",
      "claude-edge deploy",
    ],
    ["some other API", 200, { "content-type": "application/json" }, "no claude-edge", "URL"],
    ["a gateway without its Worker", 502, html, "answers 502", "wrangler tail"],
  ])("%s answers, and is not sent the key", async (_what, status, headers, message, fix) => {
    const keys: unknown[] = [];
    const url = await serve((request, response) => {
      keys.push(request.headers.authorization);
      response.writeHead(status, headers).end("{}");
    });
    const { code, failed, byId } = await look(url);
    expect({ code, failed }).toEqual({ code: 1, failed: ["reach"] });
    expect(byId.reach).toMatchObject(found("fail", message, fix));
    expect(keys).toEqual([undefined]);
  });

  test.each([
    ["behind", 300, "warn", "300 s behind"],
    ["ahead", -300, "warn", "300 s ahead of"],
    ["a little off", 40, "ok", "agrees"],
  ] as const)("this machine's clock is %s", async (_how, seconds, status, message) => {
    const date = () => new Date(Date.now() + seconds * 1000).toUTCString();
    const { code, byId } = await through({ headers: (all) => ({ ...all, date: date() }) });
    // A date has whole seconds.
    const shown = { ...byId.clock, message: byId.clock!.message.replace(/\b(299|301)\b/, "300") };
    expect(shown).toMatchObject(found(status, message));
    expect(code).toBe(0);
  });

  test.each([
    ["version", "9.9.9", "warn", "the deployment is 9.9.9, this claude-edge 0.1.0", 0],
    ["protocol", 3, "fail", "speaks protocol 3, this claude-edge (0.1.0) 1", 1],
  ] as const)("a deployment of another %s", async (field, value, status, message, code) => {
    const body = (text: string) => JSON.stringify({ ...JSON.parse(text), [field]: value });
    const result = await through({ body }, /^\/health/);
    expect(result.code).toBe(code);
    expect(result.byId.version).toMatchObject(found(status, message, "claude-edge deploy"));
    // It is looked at all the same.
    expect(result.byId.access).toMatchObject({ status: "ok" });
  });

  test("one that is too old to tell its status takes the key", async () => {
    const { code, byId } = await through({ path: (path) => path.replace("/v1/status", "/v1/old") });
    expect(code).toBe(0);
    expect(byId.access).toMatchObject(found("warn", "too old", "deploy version 0.1.0"));
    expect(byId.container).toMatchObject(found("skip", 'needs "access"'));
  });

  test("text of a deployment's cannot steer the terminal", async () => {
    const body = (text: string) =>
      JSON.stringify({ ...JSON.parse(text), version: "1\u001b[2J\n2" });
    const url = await serve((request, response) =>
      passOn(request, response, edge.stack.url, request.url === "/health" ? { body } : {}),
    );
    const { stdout } = await run(["doctor", "--url", url], { env: key() });
    expect(stdout).toContain("1\\u{1b}[2J 2");
    expect(stdout).not.toContain("\u001b");
  });
});
describe("streams", () => {
  const STREAM = /status\/stream/;

  test("come as they are sent through a proxy that passes them on", async () => {
    expect((await through({})).byId.stream).toMatchObject({ status: "ok" });
  });

  test("are held back by one that collects", async () => {
    const { code, failed, byId } = await through({ body: (text) => text }, STREAM);
    expect({ code, failed }).toEqual({ code: 1, failed: ["stream"] });
    expect(byId.stream).toMatchObject(found("fail", "held back: 3 events", "text/event-stream"));
  });

  test("are cut by one that ends them early", async () => {
    const { failed, byId } = await through({ cut: true }, STREAM);
    expect(failed).toEqual(["stream"]);
    expect(byId.stream).toMatchObject(found("fail", "ended after 1 of 3 events", "cuts streams"));
  });

  test("are something else altogether", async () => {
    const { byId } = await through({ path: () => "/health" }, STREAM);
    expect(byId.stream).toMatchObject(found("fail", "answered with 200 application/json"));
  });
});

test("Ctrl-C ends it at once", async () => {
  const stop = new AbortController();
  const url = await serve(() => stop.abort());
  const { code } = await run(["doctor", "--url", url], { env: key(), signal: stop.signal });
  expect(code).toBe(130);
});
