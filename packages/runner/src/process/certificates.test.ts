import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";

import { afterEach, beforeEach, expect, test } from "vitest";

import { Certificates } from "./certificates.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "certificates-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const [first, second, third, fourth] = rootCertificates as [string, string, string, string];
/** A file with a certificate, or with whatever text. */
function file(name: string, text: string): string {
  writeFileSync(join(root, name), text);
  return join(root, name);
}
const state = () => join(root, "state");
const bundle = () => readFileSync(join(state(), "certificates.pem"), "utf8");

test("one file holds the system's certificates, further ones and the authority's", () => {
  const certificates = new Certificates(state(), {
    CLAUDE_EDGE_CA_FILE: file("authority", first),
    SSL_CERT_FILE: file("system", `${second}\n${third}`),
    // Without a line's end: the next certificate must not begin on its last line.
    NODE_EXTRA_CA_CERTS: file("extra", fourth.trimEnd()),
  });
  const variables = certificates.variables();
  expect(variables).toMatchObject({
    SSL_CERT_FILE: join(state(), "certificates.pem"),
    NODE_EXTRA_CA_CERTS: join(state(), "certificates.pem"),
    GIT_SSL_CAINFO: join(state(), "certificates.pem"),
    npm_config_cafile: join(state(), "certificates.pem"),
  });
  expect(bundle()).toBe([second, third, fourth, first].map((text) => `${text.trim()}\n`).join(""));
});

test("without an authority there is no bundle; one that comes later makes it", () => {
  const authority = join(root, "authority");
  const certificates = new Certificates(state(), { CLAUDE_EDGE_CA_FILE: authority });
  expect(certificates.variables()).toEqual({});
  expect(existsSync(state())).toBe(false);
  file("authority", first);
  expect(certificates.variables()).toHaveProperty("SSL_CERT_FILE");
  expect(bundle()).toContain(first.trim());
});

test("an authority that changes makes it anew; the same one does not", () => {
  const certificates = new Certificates(state(), { CLAUDE_EDGE_CA_FILE: file("authority", first) });
  certificates.variables();
  writeFileSync(join(state(), "certificates.pem"), "as it was");
  certificates.variables();
  expect(bundle()).toBe("as it was");
  file("authority", second);
  certificates.variables();
  expect(bundle()).toContain(second.trim());
});

test("another container's bundle on the same disk is replaced", () => {
  new Certificates(state(), { CLAUDE_EDGE_CA_FILE: file("authority", first) }).variables();
  new Certificates(state(), { CLAUDE_EDGE_CA_FILE: file("other", second) }).variables();
  expect(bundle().trimEnd().endsWith(second.trim())).toBe(true);
});

test("files that are named and not there are passed over", () => {
  new Certificates(state(), {
    CLAUDE_EDGE_CA_FILE: file("authority", first),
    SSL_CERT_FILE: join(root, "none"),
    NODE_EXTRA_CA_CERTS: join(root, "none"),
  }).variables();
  // Those of this system, or Node's own where it has none.
  expect(bundle().match(/BEGIN CERTIFICATE/g)!.length).toBeGreaterThan(10);
});

test("a file that is named twice is in it once", () => {
  const system = file("system", second);
  new Certificates(state(), {
    CLAUDE_EDGE_CA_FILE: file("authority", first),
    SSL_CERT_FILE: system,
    NODE_EXTRA_CA_CERTS: system,
  }).variables();
  expect(bundle()).toBe(`${second.trim()}\n${first.trim()}\n`);
});
