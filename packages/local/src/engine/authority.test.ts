import { once } from "node:events";
import { createServer, get } from "node:https";
import type { AddressInfo } from "node:net";
import { X509Certificate } from "node:crypto";

import { afterAll, beforeAll, expect, test } from "vitest";

import { Authority } from "./authority.js";

let authority: Authority;
const server = createServer(
  {
    SNICallback: (name, done) =>
      void authority.contextOf(name).then((made) => done(null, made), done),
  },
  (_request, response) => response.end("hello"),
);
beforeAll(async () => {
  authority = await Authority.create();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => void server.close());

/** The certificate that a client is shown which trusts `ca`. */
async function shown(servername: string, ca: string): Promise<X509Certificate> {
  const { port } = server.address() as AddressInfo;
  const request = get({
    host: "127.0.0.1",
    port,
    servername,
    ca,
    agent: false,
    headers: { host: servername },
  });
  const [response] = await once(request, "response");
  const certificate = response.socket.getPeerX509Certificate();
  response.resume();
  return certificate;
}

test("a client that trusts the authority takes its certificates, each for one name", async () => {
  const certificate = await shown("git.test", authority.certificate);
  expect(certificate.subjectAltName).toBe("DNS:git.test");
  expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  expect(certificate.checkHost("git.test")).toBe("git.test");
  expect(certificate.checkHost("other.test")).toBeUndefined();
  expect(certificate.ca).toBe(false);
  expect(Date.parse(certificate.validTo) - Date.now()).toBeGreaterThan(300 * 24 * 3_600_000);
});

test("one that does not, and one that trusts another stack's, does not", async () => {
  const other = await Authority.create();
  await expect(shown("git.test", other.certificate)).rejects.toThrow();
});

test("the authority signs certificates and nothing else", () => {
  const certificate = new X509Certificate(authority.certificate);
  expect(certificate.ca).toBe(true);
  expect(certificate.checkIssued(certificate)).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
});

test("the certificates of the names that were asked for last are kept", async () => {
  const small = await Authority.create(2);
  const [first, second] = [small.contextOf("1.test"), small.contextOf("2.test")];
  expect(small.contextOf("1.test")).toBe(first);
  await small.contextOf("3.test");
  expect(small.contextOf("1.test")).toBe(first);
  expect(small.contextOf("2.test")).not.toBe(second);
});
