import { request } from "node:http";

import { EdgeError } from "@claude-edge/protocol";

/** The sidecar that workerd starts beside each container in local development, as miniflare 5.20261117 names it. */
const SIDECAR =
  "cloudflare/proxy-everything:3cb1195@sha256:0ef6716c52430096900b150d84a3302057d6cd2319dae7987128c85d0733e3c8";

/** Pulling may take minutes; everything else answers at once. */
const ANSWER_MS = 10_000;

/** @throws EdgeError `docker_unavailable` when no engine answers. */
export async function assertDocker(): Promise<void> {
  const { status } = await call("GET", "/_ping", ANSWER_MS);
  if (status !== 200) throw new EdgeError("docker_unavailable", `Docker answers with ${status}.`);
}

/** wrangler pulls it when it builds; where nothing is built it must be there already. */
export async function pullSidecar(): Promise<void> {
  const image = process.env.MINIFLARE_CONTAINER_EGRESS_IMAGE ?? SIDECAR;
  const { status } = await call("GET", `/images/${image}/json`, ANSWER_MS);
  if (status === 200) return;
  const pulled = await call("POST", `/images/create?fromImage=${encodeURIComponent(image)}`);
  // It says 200 before it begins, and what went wrong in its last line.
  const failure = /"error":"([^"]*)"/.exec(pulled.body)?.[1];
  if (pulled.status === 200 && failure === undefined) return;
  const reason = failure ?? pulled.body.trim();
  throw new EdgeError("docker_unavailable", `The image ${image} could not be pulled: ${reason}`);
}

/** A call of the Docker Engine API, at DOCKER_HOST or the usual socket. */
function call(method: string, path: string, timeout?: number) {
  const host = process.env.DOCKER_HOST || "unix:///var/run/docker.sock";
  const at = host.startsWith("unix://")
    ? { socketPath: host.slice("unix://".length) }
    : { host: new URL(host).hostname, port: new URL(host).port };
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const fail = (cause: Error) =>
      reject(
        new EdgeError("docker_unavailable", `No Docker engine answers at ${host}.`, {}, cause),
      );
    const sent = request({ ...at, method, path, ...(timeout ? { timeout } : {}) }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response
        .on("end", () => resolve({ status: response.statusCode ?? 0, body }))
        .on("error", fail);
    });
    sent.on("error", fail).on("timeout", () => sent.destroy(new Error("no answer")));
    sent.end();
  });
}
