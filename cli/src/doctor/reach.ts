import { REQUEST_ID_HEADER } from "@claude-edge/protocol/wire";

import { fail, type Finding } from "./finding.js";

/** An answer of something at the deployment's address. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** When it was asked for and when its headers had come, milliseconds since 1970. */
  sentAt: number;
  cameAt: number;
}

/** Asks once; a deployment does not redirect, and whatever does must not be sent the key. */
export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const sentAt = Date.now();
  const response = await fetch(url, { ...init, redirect: "manual" });
  const cameAt = Date.now();
  const { status, headers } = response;
  return { status, headers, text: await response.text(), sentAt, cameAt };
}

const CERTIFICATE =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA)/;
const TLS = /^(EPROTO|ERR_SSL_|ERR_TLS_)/;

/** How a request that got no answer failed: by the cause, for fetch itself says only that it did. */
export function explainFailure(thrown: unknown, url: string): Finding {
  const { host, hostname, protocol } = new URL(url);
  const code = codeOf(thrown);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    const message = `DNS: the name ${hostname} could not be looked up (${code})`;
    return fail(message, "check the URL's spelling, this machine's network and its name server");
  }
  if (CERTIFICATE.test(code)) {
    const fix =
      "check the URL and this machine's clock; behind a proxy that opens TLS, name its certificate in NODE_EXTRA_CA_CERTS";
    return fail(`TLS: the certificate of ${host} is not accepted (${code})`, fix);
  }
  if (TLS.test(code)) {
    const fix = "check that the URL's https:// and port are right: http:// for a local `dev`";
    return fail(`TLS: no secure connection to ${host} (${code})`, fix);
  }
  if (code === "ECONNREFUSED") {
    const fix = "check the URL's host and port; for a local one, start `claude-edge dev`";
    return fail(`Nothing listens at ${host} (${code})`, fix);
  }
  const secure = protocol === "http:" ? ", http:// and not https:// above all" : "";
  const fix = `check the URL${secure}, and the network, a VPN or a firewall on the way`;
  return fail(`${host} could not be reached (${code})`, fix);
}

function codeOf(thrown: unknown): string {
  const { name, message, cause } = thrown as Error & { cause?: Error & { code?: unknown } };
  if (name === "TimeoutError") return "no answer in time";
  const code = cause?.code ?? (thrown as { code?: unknown }).code;
  return typeof code === "string" ? code : (cause?.message ?? message);
}

/** What answered if not a deployment. */
export function explainStranger({ status, headers }: Answer, url: string): Finding {
  const type = (headers.get("content-type") ?? "").split(";", 1)[0]!.trim();
  const location = headers.get("location") ?? "";
  const isAccess = /cloudflareaccess\.com|\/cdn-cgi\/access/i.test(location);
  if (isAccess || (status >= 300 && status < 400) || (type === "text/html" && status < 404)) {
    const whose = isAccess ? "Cloudflare Access" : status < 300 ? "HTML" : `a ${status}`;
    const fix =
      "if a login (Cloudflare Access) stands before the deployment, let programs past it: a bypass policy for this hostname, as claude-edge checks its own key; else check the URL";
    return fail(`A login or web page answers at ${url}, not a deployment: ${whose}`, fix);
  }
  if (status >= 500) {
    const who = headers.has(REQUEST_ID_HEADER)
      ? "The deployment"
      : "The Worker, or what is before it,";
    const fix = "look at the Worker's logs (`npx wrangler tail`), and try again in a minute";
    return fail(`${who} answers ${status} at ${url}`, fix);
  }
  const fix = "check the URL, its path too, and that the project is deployed: `claude-edge deploy`";
  return fail(`What answers at ${url} is no claude-edge deployment: ${status} ${type}`, fix);
}
