import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";

/** Where the platform puts the authority that it ends a container's HTTPS with. It exists only at run time. */
const PLATFORM_AUTHORITY = "/etc/cloudflare/certs/cloudflare-containers-ca.crt";

/** The system's certificates: of Debian and Alpine, Fedora, and macOS. */
const SYSTEM = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
];

/** The variables by which programs take the certificates of one file. */
const VARIABLES = [
  // OpenSSL, and with it curl, Python and Ruby; also Go and uv.
  "SSL_CERT_FILE",
  // Node and Bun, beside those they have built in.
  "NODE_EXTRA_CA_CERTS",
  // Debian's git is built with GnuTLS, and takes no other.
  "GIT_SSL_CAINFO",
  // npm and pnpm, where a configured cafile would replace what Node has.
  "npm_config_cafile",
  "AWS_CA_BUNDLE",
  "BUNDLE_SSL_CA_CERT",
  "CARGO_HTTP_CAINFO",
  "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
  "CURL_CA_BUNDLE",
  "DENO_CERT",
  "HEX_CACERTS_PATH",
  "NIX_SSL_CERT_FILE",
  "PIP_CERT",
  "REQUESTS_CA_BUNDLE",
  "YARN_HTTPS_CA_FILE_PATH",
];

/** The variables of the runner's own environment that say where certificates are. */
type Given = Partial<
  Record<"CLAUDE_EDGE_CA_FILE" | "SSL_CERT_FILE" | "NODE_EXTRA_CA_CERTS", string>
>;

/**
 * One file of all certificates that the programs of a container are to trust: the system's, those of
 * NODE_EXTRA_CA_CERTS, and the authority that the container's HTTPS is ended with. It needs no root, and leaves the
 * image's own store as it is.
 */
export class Certificates {
  readonly #folder: string;
  readonly #given: Given;
  /** The authority that the bundle was made with. */
  #authority = "";

  constructor(folder: string, given: Given = process.env) {
    this.#folder = folder;
    this.#given = given;
  }

  /**
   * The variables that name the bundle, which is written when the authority is new; none without an authority. The
   * platform may write it later than the runner starts.
   */
  variables(): Record<string, string> {
    const path = join(this.#folder, "certificates.pem");
    const authority = read(this.#given.CLAUDE_EDGE_CA_FILE || PLATFORM_AUTHORITY);
    if (authority === "") return {};
    if (authority !== this.#authority) {
      mkdirSync(this.#folder, { recursive: true });
      // Renamed into place: programs may be reading the last one.
      writeFileSync(`${path}.new`, this.#bundle(authority));
      renameSync(`${path}.new`, path);
      this.#authority = authority;
    }
    return Object.fromEntries(VARIABLES.map((name) => [name, path]));
  }

  #bundle(authority: string): string {
    const { SSL_CERT_FILE = "", NODE_EXTRA_CA_CERTS = "" } = this.#given;
    const system = [SSL_CERT_FILE, ...SYSTEM].map(read).find((text) => text !== "");
    const parts = [system ?? rootCertificates.join("\n"), read(NODE_EXTRA_CA_CERTS), authority];
    return [...new Set(parts)].map((part) => `${part.trim()}\n`).join("");
  }
}

/** A file's text; empty if it cannot be read. */
function read(path: string): string {
  try {
    return path === "" ? "" : readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
