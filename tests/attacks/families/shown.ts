import { holds, type Family } from "../attack.ts";
import { pathOf } from "../routes.ts";
import type { Answer } from "../send.ts";
import type { World } from "../world.ts";

const MARK = "marked-option";
const headers = { authorization: `Bearer ${MARK}` };

/** Options with a credential wherever one may be. */
const OPTIONS = {
  mcpServers: {
    web: { type: "http", url: `http://x:${MARK}@127.0.0.1:9/${MARK}?key=${MARK}#${MARK}`, headers },
    local: { type: "stdio", command: "false", args: [MARK], env: { KEY: MARK } },
  },
  agents: {
    one: {
      description: "One",
      prompt: "Be one.",
      mcpServers: [{ own: { type: "sse", url: `http://127.0.0.1:9/?key=${MARK}`, headers } }],
    },
  },
  env: { PLAIN: MARK },
  settings: { env: { SETTING: MARK } },
  managedSettings: { env: { MANAGED: MARK } },
};

/** Credentials in the options of a session, which no answer, event or log shows again. */
export async function shown(world: World): Promise<Family> {
  const { ask, mint, routes } = world;
  const key = await mint({ account: "mallory", scopes: ["admin"] });
  const reader = await mint({ account: "mallory", scopes: ["sessions:read"] });
  const make = () => ask("/v1/sessions", { key, json: { options: OPTIONS } });
  const [made, broken] = [await make(), await make()];
  const id = JSON.parse(made.text).id as string;
  const other = JSON.parse(broken.text).id as string;
  const json = { prompt: "%say One." };
  const query = { key, json: { ...json, options: OPTIONS } };
  const turn = await ask(`/v1/sessions/${id}/turns`, { key, json });
  const stream = await ask("/v1/query", { ...query, headers: { accept: "text/event-stream" } });
  const { options } = JSON.parse(made.text);
  const patch = (session: string, changed: object) =>
    ask(`/v1/sessions/${session}`, { key, method: "PATCH", json: { options: changed } });
  const control = (method: string, args: unknown[] = []) =>
    ask(`/v1/sessions/${id}/control`, { key, json: { method, args }, patienceMs: 60_000 });

  const answers: Record<string, Answer> = { made, turn, stream };
  answers.changed = await patch(id, { ...options, model: "claude-haiku-4-5" });
  answers.forked = await ask(`/v1/sessions/${id}/fork`, { key, json: {} });
  for (const method of ["mcpServerStatus", "reloadPlugins", "initializationResult"]) {
    answers[method] = await control(method);
  }
  answers.reconnected = await control("reconnectMcpServer", ["web"]);
  answers.unfit = await patch(other, { settings: OPTIONS, maxTurns: MARK.length / 2 });
  const ids = { session: id, turn: JSON.parse(turn.text).id as string, request: id };
  for (const route of routes) {
    if (route.method !== "GET") continue;
    const path = pathOf(route, ids);
    answers[`GET ${route.path}`] = await ask(path, { key: reader });
    answers[`GET ${route.path}, as admin`] = await ask(path, { key });
  }
  const { web } = options.mcpServers;
  const elsewhere = { mcpServers: { web: { ...web, url: "http://127.0.0.1:9/stolen" } } };
  const asked = ["made", "turn", "stream", "changed", "forked", "mcpServerStatus"];
  return {
    controls: [
      holds(
        "what makes and reads such a session is answered",
        async () =>
          [...asked, "GET /v1/sessions", "GET /v1/sessions/:id", "GET /v1/sessions/:id/events"]
            .filter((name) => !(answers[name] && answers[name].status < 300))
            .join() || undefined,
      ),
    ],
    attacks: [
      ...Object.entries(answers).map(([name, { text, headers: got }]) =>
        holds(`a credential in: ${name}`, async () =>
          `${text}${JSON.stringify([...got])}`.includes(MARK) ? text.slice(0, 200) : undefined,
        ),
      ),
      holds("a credential sent to another address", async () => {
        const { status, text } = await patch(other, elsewhere);
        return status === 400 ? undefined : text;
      }),
      holds("a credential of another session's", async () => {
        const fresh = await ask("/v1/sessions", { key, json: { options } });
        return fresh.status === 400 ? undefined : fresh.text;
      }),
      holds("a credential in what Worker and containers print", async () =>
        (world.printed("worker") + world.printed("container")).includes(MARK)
          ? "it is there"
          : undefined,
      ),
    ],
  };
}
