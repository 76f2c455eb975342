import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";

import { ClaudeEdge } from "@claude-edge/client";
import { mintToken, type MintTokenOptions } from "@claude-edge/client/tokens";
import { startLocal, type LocalStack } from "@claude-edge/local";

import { until } from "../support/wait.ts";
import { SECRETS } from "./attack.ts";
import { loadRoutes, type Route } from "./routes.ts";
import { ask, type Answer, type Ask } from "./send.ts";

const TEMPLATE = fileURLToPath(new URL("../../cli/template", import.meta.url));
const SPY = new URL("spy.ts", import.meta.url).href;

/** A prompt whose tool waits for somebody's leave. */
export const asking = (command = "touch asked"): string =>
  `%tool Bash ${JSON.stringify({ command })}\n%say Done.`;

export interface Tenant {
  account: string;
  /** A token of every scope but `admin`. */
  token: string;
  client: ClaudeEdge;
  /** A session with a turn that has ended. */
  session: string;
  turn: string;
  /** The id of a message of it. */
  message: string;
  /** A session with a question that is open, and the question. */
  asking: string;
  request: string;
}

/** A stack with two tenants: `alice`, whose things they are, and `mallory`, who wants them. */
export interface World {
  stack: LocalStack;
  routes: Route[];
  alice: Tenant;
  mallory: Tenant;
  /** What Alice's session is about: in no answer to anybody else. */
  secret: string;
  /** What Worker or containers have printed. */
  printed(source: "worker" | "container"): string;
  /** A request to the stack. */
  ask(path: string, how?: Ask): Promise<Answer>;
  mint(options: Partial<MintTokenOptions>): Promise<string>;
}

export async function openWorld(): Promise<World> {
  const routes = await loadRoutes();
  const printed = { worker: "", container: "", build: "" };
  const dialects = [...new Set(routes.flatMap(({ dialect }) => dialect ?? []))];
  const stack = await startLocal({
    project: TEMPLATE,
    model: "scripted",
    vars: {
      // A question that is open holds a turn.
      CLAUDE_EDGE_MAX_CONCURRENT_TURNS: "8",
      CLAUDE_EDGE_HOLD: "10m",
      CLAUDE_EDGE_DIALECTS: dialects.join(","),
    },
    containerEnv: { NODE_OPTIONS: `--import ${SPY}` },
    onLog: (source, text) => void (printed[source] += text),
  });
  const mint: World["mint"] = (options) =>
    mintToken({ rootKey: stack.token, account: "mallory", ...options });
  const secret = `secret-${randomUUID()}`;
  const tenant = async (account: string, about: string): Promise<Tenant> => {
    const token = await mint({ account });
    const client = new ClaudeEdge({ baseURL: stack.url, token });
    const { sessionId: session, turnId: turn } = await client.query(`%say ${about}`);
    let message = "";
    for await (const event of client.sessions.open(session).events({ follow: false })) {
      if (event.kind === "message") message = String(event.message.uuid ?? message);
    }
    const waiting = await client.sessions.create({ permissionMode: "default", canUseTool: true });
    waiting
      .send(asking())
      .result()
      .catch(() => {});
    const request = await until(
      "a question",
      async () => (await client.requests.list({ sessionId: waiting.id }))[0]?.id,
    );
    return { account, token, client, session, turn, message, asking: waiting.id, request };
  };
  const [alice, mallory] = [await tenant("alice", secret), await tenant("mallory", "hello")];
  SECRETS.push(secret, stack.token, stack.model!.key);
  return {
    stack,
    routes,
    alice,
    mallory,
    secret,
    printed: (source) => printed[source],
    ask: (path, how) => ask(`${stack.url}${path}`, how),
    mint,
  };
}
