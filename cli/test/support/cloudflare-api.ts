import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

import { afterAll, beforeAll, beforeEach } from "vitest";

/** What the stand-in keeps of a Worker. */
export interface FakeWorker {
  secrets: Map<string, string>;
  /** The metadata of each upload, and the names of its parts. */
  uploads: { metadata: Metadata; parts: string[] }[];
}

interface Metadata {
  main_module: string;
  bindings: {
    name: string;
    type: string;
    text?: string;
    class_name?: string;
    bucket_name?: string;
  }[];
  containers?: unknown;
  migrations?: { new_tag: string };
  compatibility_date: string;
}

export interface CloudflareApi {
  /** For the environment of wrangler. */
  env: Record<string, string>;
  token: string;
  workers: Map<string, FakeWorker>;
  /** The names of R2's buckets. */
  buckets: Set<string>;
  /** `GET /accounts/…` of each request since the test began. */
  requests: string[];
  /** Called before a request is answered; what it gives is the answer's status. */
  onRequest: (line: string) => number | undefined | Promise<number | undefined>;
}

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const SUBDOMAIN = "stand-in";
/** The API's codes of errors. */
const [NOT_FOUND, NO_BUCKET, UNAUTHENTICATED, BAD_INHERIT] = [10_007, 10_006, 10_000, 10_057];

/** As much of Cloudflare's API on loopback as wrangler needs to deploy a Worker and to set its secrets. */
export function useCloudflareApi(): CloudflareApi {
  const api: CloudflareApi = {
    env: {},
    token: "cf-token-of-the-test",
    workers: new Map(),
    buckets: new Set(),
    requests: [],
    onRequest: () => undefined,
  };
  const server = createServer((request, response) => {
    void answer(api, request, response).catch((error: unknown) => {
      failure(response, 500, 1, String(error));
    });
  });
  server.on("upgrade", tail);
  beforeAll(async () => {
    await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
    api.env = {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      CLOUDFLARE_API_TOKEN: api.token,
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
      WRANGLER_SEND_METRICS: "false",
    };
  });
  beforeEach(() => {
    api.workers.clear();
    api.buckets.clear();
    api.requests.length = 0;
    api.onRequest = () => undefined;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return api;
}

async function answer(api: CloudflareApi, request: IncomingMessage, response: ServerResponse) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const path = request.url!.split("?")[0]!;
  const line = `${request.method} ${path}`;
  api.requests.push(line);
  const status = await api.onRequest(line);
  if (status !== undefined) return failure(response, status, 1, "The test says so.");
  if (request.headers.authorization !== `Bearer ${api.token}`) {
    return failure(response, 403, UNAUTHENTICATED, "Authentication error");
  }
  if (path === "/user/tokens/verify") return success(response, { id: "t", status: "active" });
  if (path === "/user") return success(response, { id: "u", email: "ada@example.com" });
  if (path === "/accounts") return success(response, [{ id: ACCOUNT, name: "Ada's" }]);
  if (path === "/memberships") return success(response, []);
  if (path === `/accounts/${ACCOUNT}/workers/subdomain`) {
    return success(response, { subdomain: SUBDOMAIN });
  }
  if (path.startsWith(BUCKETS)) return bucket(api, request.method!, path, body, response);
  const [, kind, name, rest = ""] =
    new RegExp(`^/accounts/${ACCOUNT}/workers/(scripts|services|workers)/([^/]+)(?:/(.+))?$`).exec(
      path,
    ) ?? [];
  if (name === undefined) return failure(response, 404, NOT_FOUND, `No route ${line}.`);
  const isUpload = request.method === "PUT" && kind === "scripts" && rest === "";
  const worker = api.workers.get(name);
  if (isUpload) return upload(api, name, request, body, response);
  if (!worker) return failure(response, 404, NOT_FOUND, "This Worker does not exist.");
  return ofWorker({ name, worker, kind: kind!, rest }, request.method!, body, response);
}

const BUCKETS = `/accounts/${ACCOUNT}/r2/buckets`;

function bucket(
  { buckets }: CloudflareApi,
  method: string,
  path: string,
  body: Buffer,
  response: ServerResponse,
): void {
  const name = path.slice(BUCKETS.length + 1);
  if (method === "POST") buckets.add((JSON.parse(body.toString()) as { name: string }).name);
  else if (name !== "" && !buckets.has(name)) {
    return failure(response, 404, NO_BUCKET, "The specified bucket does not exist.");
  }
  success(response, { name, buckets: [...buckets].map((each) => ({ name: each })) });
}

async function upload(
  api: CloudflareApi,
  name: string,
  request: IncomingMessage,
  body: Buffer<ArrayBuffer>,
  response: ServerResponse,
) {
  const headers = { "content-type": request.headers["content-type"]! };
  const form = await new Response(body, { headers }).formData();
  const metadata = JSON.parse(form.get("metadata") as string) as Metadata;
  const worker = api.workers.get(name) ?? { secrets: new Map<string, string>(), uploads: [] };
  const lost = metadata.bindings.filter(
    ({ type, name: binding }) => type === "inherit" && !worker.secrets.has(binding),
  );
  if (lost.length > 0) {
    const errors = lost.map((binding) => `inherit binding '${binding.name}' is invalid`);
    return failure(response, 400, BAD_INHERIT, ...errors);
  }
  for (const binding of metadata.bindings) {
    if (binding.type === "secret_text") worker.secrets.set(binding.name, binding.text!);
  }
  worker.uploads.push({ metadata, parts: [...form.keys()] });
  api.workers.set(name, worker);
  success(response, {
    id: name,
    tag: "worker-tag",
    etag: "etag",
    deployment_id: "deployment",
    startup_time_ms: 1,
    available_on_subdomain: true,
    entry_point: metadata.main_module,
  });
}

interface Place {
  name: string;
  worker: FakeWorker;
  kind: string;
  rest: string;
}

function ofWorker(
  { name, worker, kind, rest }: Place,
  method: string,
  body: Buffer,
  response: ServerResponse,
): void {
  if (kind === "services" && rest === "") {
    const script = { id: name, tag: "worker-tag", last_deployed_from: "wrangler" };
    return success(response, {
      id: name,
      default_environment: { environment: "production", script },
    });
  }
  if (kind === "workers") {
    const url = `https://${name}.${SUBDOMAIN}.workers.dev`;
    return success(response, { id: name, subdomain: { enabled: true, url } });
  }
  if (rest === "secrets") {
    if (method === "PUT") {
      const { name: secret, text } = JSON.parse(body.toString()) as Record<string, string>;
      worker.secrets.set(secret!, text!);
      return success(response, { name: secret, type: "secret_text" });
    }
    const names = [...worker.secrets.keys()];
    return success(
      response,
      names.map((secret) => ({ name: secret, type: "secret_text" })),
    );
  }
  if (rest === "secrets-bulk") {
    const { secrets } = JSON.parse(body.toString()) as {
      secrets: Record<string, { text: string } | null>;
    };
    for (const [secret, value] of Object.entries(secrets)) {
      if (value === null) worker.secrets.delete(secret);
      else worker.secrets.set(secret, value.text);
    }
    return success(response, []);
  }
  if (rest === "tails") {
    const url = `ws://127.0.0.1:${response.socket!.localPort}/tail`;
    return success(response, { id: "tail-1", url, expires_at: "2030-01-01T00:00:00Z" });
  }
  if (rest === "tails/tail-1") return success(response, null);
  const latest = worker.uploads.at(-1);
  if (rest === "deployments") {
    const versions = [{ version_id: String(worker.uploads.length), percentage: 100 }];
    return success(response, { deployments: latest ? [{ id: "d", versions }] : [] });
  }
  if (rest.startsWith("versions/")) {
    const runtime = { script_runtime: { containers: latest?.metadata.containers } };
    return success(response, { id: rest.split("/")[1], metadata: {}, resources: runtime });
  }
  if (rest === "settings") {
    const tag = latest?.metadata.migrations?.new_tag;
    return success(response, { bindings: [], ...(tag ? { migration_tag: tag } : {}) });
  }
  if (rest === "script-settings") return success(response, {});
  if (rest === "subdomain") return success(response, { enabled: true, previews_enabled: false });
  if (rest === "schedules") return success(response, { schedules: [] });
  if (rest === "domains/changeset") return success(response, {});
  failure(response, 404, NOT_FOUND, `No route ${method} ${rest}.`);
}

/** What a tail that is followed says, after a line of somebody else's. */
export const TAILED = {
  level: "warn",
  time: "2026-11-30T22:05:09.042Z",
  message: "turn ended",
  turn: "5c1f2d7e-6f0c-4a55-9b56-0f0f5a1f0c11",
  error: { code: "agent_exited" },
};

/** A WebSocket that says one thing. */
function tail(request: IncomingMessage, socket: Duplex): void {
  const accept = createHash("sha1")
    .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  const head = [
    "HTTP/1.1 101 Switching Protocols",
    "upgrade: websocket",
    "connection: upgrade",
    `sec-websocket-accept: ${accept}`,
    `sec-websocket-protocol: ${request.headers["sec-websocket-protocol"]}`,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  const event = {
    outcome: "ok",
    scriptName: "my-agent",
    exceptions: [],
    logs: [
      { message: ["hello from the edge"], level: "log", timestamp: 0 },
      { message: [JSON.stringify(TAILED)], level: "warn", timestamp: 0 },
    ],
    eventTimestamp: 0,
    event: { request: { url: "https://a.example/", method: "GET", headers: {}, cf: {} } },
  };
  const payload = Buffer.from(JSON.stringify(event));
  // One text frame whose length takes two bytes.
  socket.write(Buffer.from([0x81, 126, payload.length >> 8, payload.length & 0xff]));
  socket.write(payload);
  socket.on("error", () => {});
}

function success(response: ServerResponse, result: unknown): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ success: true, errors: [], messages: [], result }));
}

function failure(
  response: ServerResponse,
  status: number,
  code: number,
  ...messages: string[]
): void {
  response.writeHead(status, { "content-type": "application/json" });
  const errors = messages.map((message) => ({ code, message }));
  response.end(JSON.stringify({ success: false, errors, messages: [], result: null }));
}
