import { holds, refused, works, type Expected, type Family } from "../attack.ts";
import { askRaw, rawRequest } from "../send.ts";
import { askedOfRunners } from "../spied.ts";
import type { World } from "../world.ts";

const NO_ROUTE = { status: 404, code: "not_found" };
const NO_SESSION = { status: 404, code: "session_not_found" };
const NOT_HTTP = { status: 400 };

/** What the account asks a runner, and nothing else. */
const RUNNER_ROUTES =
  /^\/(health|sessions|spares\/(reserve|[0-9a-f-]{36})|sessions\/[0-9a-f-]{36}(\/(log\?boot=[^/]*|log\/ack\?boot=[^/]*|transcript|control|workspace(\/blobs)?|checkpoints(\/\d+(\/blobs)?)?|turns\/[0-9a-f-]{36}(\/interrupt)?|requests\/[0-9a-f]{16}\.[0-9a-f-]{36}))?)$/;

/** Paths that would lead to a runner, or beside the checks to a session of somebody else. */
export function paths(world: World): Family {
  const { stack, alice, mallory } = world;
  const { url } = stack;
  const key = `Authorization: Bearer ${mallory.token}`;
  const get = (path: string, method = "GET") =>
    askRaw(url, rawRequest(url, `${method} ${path}`, [key, "Connection: close"])).then(
      ([answer]) => answer!,
    );
  const [mine, hers] = [mallory.session, alice.session];
  const runner = [
    "/spares/reserve",
    `/sessions/${hers}/log`,
    `/sessions/${hers}/log/ack?cursor=1`,
    `/sessions/${hers}`,
    `/sessions/${hers}/transcript`,
    `/sessions/${hers}/turns/${alice.turn}`,
    `/sessions/${hers}/turns/${alice.turn}/interrupt`,
    `/sessions/${hers}/requests/${alice.request}`,
    `/sessions/${hers}/control`,
  ];
  const escaped = (path: string) => path.replaceAll("/", "%2f");
  const twice = (path: string) => escaped(path).replaceAll("%", "%25");
  const tried = (path: string, expected: Expected, method?: string) =>
    refused(`${method ?? "GET"} ${path.slice(0, 90)}`, () => get(path, method), expected);

  return {
    controls: [
      works("her own session", () => get(`/v1/sessions/${mine}`)),
      works("the same with an escaped letter", () =>
        get(`/v1/sessions/%${mine.charCodeAt(0).toString(16)}${mine.slice(1)}`),
      ),
      works("the same over a detour", () => get(`/v1/sessions/x/../${mine}`)),
      holds("the spy sees what runners are asked", async () =>
        askedOfRunners(world).some(({ url: path }) => path.startsWith("/sessions/"))
          ? undefined
          : "nothing",
      ),
    ],
    attacks: [
      ...runner.flatMap((path) => [
        ...["GET", "POST", "PUT", "DELETE"].map((method) => tried(path, NO_ROUTE, method)),
        tried(`/v1${path}`.replace(/\/sessions\/.*/, "/runner$&"), NO_ROUTE),
        tried(`/v1/sessions/${mine}/../../..${path}`, NO_ROUTE),
        tried(`/v1/sessions/${mine}/%2e%2e/%2e%2e/%2e%2e${path}`, NO_ROUTE),
        tried(`/v1/sessions/..${escaped(path)}`, {
          status: 404,
          code: ["not_found", "session_not_found"],
        }),
        tried(`/v1/sessions/${mine}%2f..%2f..${escaped(path)}`, NO_SESSION),
        tried(`/v1/sessions/${mine}${twice(`/..${path}`)}`, NO_SESSION),
        tried(`//runner${path}`, NO_ROUTE),
        tried(`http://runner${path}`, NO_ROUTE),
      ]),
      tried(`/v1/sessions/${mine}/../${hers}`, NO_SESSION),
      tried(`/v1/sessions/${mine}/%2e%2e/${hers}`, NO_SESSION),
      tried(`/v1/sessions/${mine}/..;/${hers}`, NO_ROUTE),
      tried(`/v1/sessions/${mine}%2f..%2f${hers}`, NO_SESSION),
      tried(`/v1/sessions/${mine}%5c..%5c${hers}`, NO_SESSION),
      tried(`/v1/sessions/${mine}\\..\\${hers}`, NO_SESSION),
      tried(`/v1/sessions/${mine}%00`, NO_SESSION),
      tried(`/v1/sessions/${mine}%0d%0aHost:%20runner`, NO_SESSION),
      tried(`/v1/sessions/${mine}%20`, NO_SESSION),
      tried(`/v1/sessions/${mine}.json`, NO_SESSION),
      tried(`/v1/sessions/${mine};x`, NO_SESSION),
      tried(`/v1/sessions/%252e%252e`, NO_SESSION),
      tried(`/v1/sessions/%c0%ae%c0%ae`, NO_SESSION),
      tried(`/v1/sessions/%ff`, NO_SESSION),
      tried(`/v1/sessions/%`, NO_SESSION),
      tried(`/v1/sessions/${encodeURIComponent("․․")}`, NO_SESSION),
      tried(`/v1/sessions/__proto__`, NO_SESSION),
      tried(`/v1/sessions/constructor`, NO_SESSION),
      tried(`/v1/sessions/:id`, NO_SESSION),
      tried(`/v1/sessions/*`, NO_SESSION),
      tried(`//v1/sessions/${hers}`, NO_ROUTE),
      tried(`/v1//sessions/${hers}`, NO_ROUTE),
      tried(`/v1/sessions//${hers}`, NO_ROUTE),
      tried(`/V1/SESSIONS/${hers}`, NO_ROUTE),
      tried(`/v1/sessions/${hers}/`, NO_ROUTE),
      tried(`/./v1/./sessions/${hers}`, NO_SESSION),
      tried(`/health/../v1/sessions/${hers}`, NO_SESSION),
      tried(`/%76%31/sessions/${hers}`, NO_SESSION),
      tried(`http://model.claude-edge.internal/v1/sessions/${hers}`, NO_SESSION),
      tried(`http://model.claude-edge.internal/api/hello`, NO_ROUTE),
      tried(`http://alice@runner/log`, NO_ROUTE),
      tried("/v1/sessions/a b", NOT_HTTP),
      tried("/v1/sessions/\0", NOT_HTTP),
      tried("v1/sessions", NOT_HTTP),
      tried(`/${"a".repeat(4_096)}`, { status: 414, code: "path_too_long" }),
      tried(`/v1/sessions?${"a".repeat(8_000)}`, { status: 414, code: "path_too_long" }),
      tried(`/v1/sessions/${"../".repeat(1_000)}log`, NO_ROUTE),
      tried(`/${"a".repeat(100_000)}`, { status: 414 }),
      // What the local stack is built on has tools of its own on this port.
      ...[
        "/cdn-cgi/explorer",
        "/cdn-cgi/explorer/api/workers/durable_objects/namespaces",
        "/cdn-cgi/local/explorer/api",
        "/cdn-cgi/local/explorer/api/local/workers",
        "/cdn-cgi/local/explorer/api/local/observability/query",
        "/cdn-cgi/local/r2/s3/",
        "/cdn-cgi/mf/reload",
        "/cdn-cgi/ProxyWorker/pause",
        "/cdn-cgi/../cdn-cgi/local/explorer",
        "/core/store-temp-file",
        "/__scheduled",
      ].map((path) => tried(path, NO_ROUTE)),
      tried("/cdn-cgi/local/platform-proxy", NOT_HTTP),
      // It serves whoever knows an object's key.
      tried("/cdn-cgi/local/r2/public/", { status: 404 }),
      tried("/cdn-cgi/local/r2/public/files/", { status: 404 }),
      tried("/cdn-cgi/local/r2/public/files/claude-edge/", { status: 404 }),
      holds("what runners were asked while all this was tried", async () => {
        const strange = askedOfRunners(world).find(({ url: path }) => !RUNNER_ROUTES.test(path));
        return strange && `${strange.method} ${strange.url}`;
      }),
    ],
  };
}
