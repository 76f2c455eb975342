import { randomUUID } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { ClaudeEdge } from "@claude-edge/client";
import { mintToken, type MintTokenOptions } from "@claude-edge/client/tokens";
import { startLocal, type LocalStack } from "@claude-edge/local";

import { NO_BUDGET } from "../support/project.ts";
import { until } from "../support/wait.ts";
import { SECRETS } from "./attack.ts";
import { formOf, PNG } from "./bytes.ts";
import { startHosts, type Hosts } from "./hosts.ts";
import { FILE, loadRoutes, type Route } from "./routes.ts";
import { ask, type Answer, type Ask } from "./send.ts";

const TEMPLATE = fileURLToPath(new URL("../../cli/template", import.meta.url));
/** Below the repository's folder, so that its packages are found. */
const PROJECTS = fileURLToPath(new URL("../.test-projects", import.meta.url));
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
  /** The session that holds what came by uploads. */
  uploads: string;
  /** A session with a question that is open, and the question. */
  asking: string;
  request: string;
}

/** A stack with two tenants: `alice`, whose things they are, and `mallory`, who wants them. */
export interface World {
  stack: LocalStack;
  /** What its containers reach. */
  hosts: Hosts;
  routes: Route[];
  alice: Tenant;
  mallory: Tenant;
  /** What Alice's session is about: in no answer to anybody else. */
  secret: string;
  /** Where the stack keeps its data. */
  persist: string;
  /** What Worker or containers have printed. */
  printed(source: "worker" | "container"): string;
  /** A request to the stack. */
  ask(path: string, how?: Ask): Promise<Answer>;
  mint(options: Partial<MintTokenOptions>): Promise<string>;
}

/** A copy of the template whose files are kept in R2: a bucket is shared by all accounts, which is what can go wrong. */
function withR2(): string {
  mkdirSync(PROJECTS, { recursive: true });
  const project = mkdtempSync(join(PROJECTS, "attacks-"));
  process.once("exit", () => rmSync(project, { recursive: true, force: true }));
  const isSource = (path: string) => !/\.wrangler|node_modules|\.dev\.vars/.test(path);
  cpSync(TEMPLATE, project, {
    recursive: true,
    filter: (path) => isSource(path.slice(TEMPLATE.length)),
  });
  const path = join(project, "wrangler.jsonc");
  const binding = '"r2_buckets": [{ "binding": "FILES", "bucket_name": "files" }],';
  const config = readFileSync(path, "utf8");
  writeFileSync(path, config.replace('"durable_objects"', `${binding}\n  "durable_objects"`));
  return project;
}

/** Puts a file wherever a route could look for one; gives the session of the uploads. */
async function withFiles(
  client: ClaudeEdge,
  session: string,
  about: string,
  upload: () => Promise<Answer>,
): Promise<string> {
  const { files } = client.sessions.open(session);
  await files.put(FILE, about);
  await files.put(`outputs/${FILE}`, about);
  await upload();
  for await (const { id, tags } of client.sessions.list()) {
    if (!tags.includes("studio-uploads")) continue;
    await client.sessions.open(id).files.put(`uploads/${FILE}`, about);
    return id;
  }
  throw new Error("there is no session of the uploads");
}

export async function openWorld(): Promise<World> {
  const routes = await loadRoutes();
  const printed = { worker: "", container: "", build: "" };
  const dialects = [...new Set(routes.flatMap(({ dialect }) => dialect ?? []))];
  const persist = mkdtempSync(join(tmpdir(), "attacks-"));
  process.once("exit", () => rmSync(persist, { recursive: true, force: true }));
  const hosts = await startHosts();
  const stack = await startLocal({
    project: withR2(),
    persist,
    model: "scripted",
    vars: {
      ...NO_BUDGET,
      ...hosts.vars,
      // A question that is open holds a turn.
      CLAUDE_EDGE_MAX_CONCURRENT_TURNS: "8",
      CLAUDE_EDGE_HOLD: "10m",
      CLAUDE_EDGE_DIALECTS: dialects.join(","),
    },
    containerEnv: { NODE_OPTIONS: `--import ${SPY}` },
    onLog: (source, text) => void (printed[source] += text),
  });
  hosts.lead(stack.url);
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
    const uploads = await withFiles(client, session, about, () =>
      ask(`${stack.url}/api/upload`, { key: token, ...formOf("images", "x.png", PNG) }),
    );
    const waiting = await client.sessions.create({ permissionMode: "default", canUseTool: true });
    waiting
      .send(asking())
      .result()
      .catch(() => {});
    const request = await until(
      "a question",
      async () => (await client.requests.list({ sessionId: waiting.id }))[0]?.id,
    );
    return { account, token, client, session, turn, message, uploads, asking: waiting.id, request };
  };
  const [alice, mallory] = [await tenant("alice", secret), await tenant("mallory", "hello")];
  SECRETS.push(secret, stack.token, stack.model!.key);
  return {
    stack,
    hosts,
    routes,
    alice,
    mallory,
    secret,
    persist,
    printed: (source) => printed[source],
    ask: (path, how) => ask(`${stack.url}${path}`, how),
    mint,
  };
}
