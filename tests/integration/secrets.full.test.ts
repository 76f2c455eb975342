/** Secrets of deployment, account and session: values reach their hosts, and nothing else has them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { EdgeEvent, QueryOptions, Session } from "@claude-edge/client";
import { afterAll, describe, expect, test } from "vitest";

import { usePrivateHost } from "../support/private-host.js";
import { useOwnStack } from "../support/stack.js";

/** A host that echoes what it is asked. */
const { named, seen } = await usePrivateHost(({ url, headers, body }, response) => {
  if (url.startsWith("/mcp")) return response.writeHead(401).end();
  response.setHeader("x-echo", headers["x-api-key"] ?? "-");
  response.setHeader("content-type", url.startsWith("/binary") ? "image/png" : "application/json");
  response.end(JSON.stringify({ url, headers, body }));
});

const HOSTS = ["api.test", "other.test", "mcp.test"];
const persist = mkdtempSync(join(tmpdir(), "secrets-"));
afterAll(() => rmSync(persist, { recursive: true, force: true }));
let printed = "";
const edge = useOwnStack({
  persist,
  onLog: (_source, line) => void (printed += line),
  // A process that is ready before there is a secret must not be used by a session that has one.
  containerEnv: { CLAUDE_EDGE_SPARES: "1" },
  vars: {
    CLAUDE_EDGE_NETWORK: JSON.stringify({ type: "limited", allowed_hosts: HOSTS }),
    CLAUDE_EDGE_PRIVATE_HOSTS: JSON.stringify(named(...HOSTS)),
  },
});

const bash = (command: string) => `%tool Bash ${JSON.stringify({ command })}\n%say Done.`;

async function eventsOf(stream: AsyncIterable<EdgeEvent>): Promise<EdgeEvent[]> {
  const events: EdgeEvent[] = [];
  for await (const event of stream) events.push(event);
  expect(events.at(-1)).toMatchObject({ status: "completed" });
  return events;
}

/** What a command of the agent's shell prints. */
function printedBy(events: EdgeEvent[]): string {
  const results = events.flatMap((event) => {
    if (event.kind !== "message" || event.message.type !== "user") return [];
    const { content } = event.message.message as { content: { content?: string }[] };
    return content.map((block) => block.content ?? "");
  });
  return results.join("\n");
}

const shell = async (account: string, command: string, more: QueryOptions = {}) =>
  printedBy(
    await eventsOf(edge.client(account).query(bash(command), { allowedTools: ["Bash"], ...more })),
  );
const shellIn = async (session: Session, command: string) =>
  printedBy(await eventsOf(session.send(bash(command))));

const curl = (url: string, flags = "") => `curl -sS -m 20 ${flags} "${url}"`;

/** Files below a folder that hold a text. */
const filesHolding = (value: string, folder: string): string[] => {
  try {
    const found = execFileSync("grep", ["-rlaF", "--", value, folder], { encoding: "utf8" });
    return found.split("\n").filter(Boolean);
  } catch {
    // grep ends with 1 when it finds nothing.
    return [];
  }
};

/** Environments and command lines of this machine's processes that hold a text. */
const processesHolding = (value: string): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => [`/proc/${pid}/environ`, `/proc/${pid}/cmdline`])
    .filter((path) => {
      try {
        return readFileSync(path, "utf8").includes(value);
      } catch {
        return false;
      }
    });

describe("a secret of an account", () => {
  const value = "sk-fal-account-0123456789";

  test.skipIf(process.platform !== "linux")(
    "reaches its host, and is in no file, environment, process, transcript, event or log",
    async () => {
      const client = edge.client("ada");
      // The spare of this container is started before there is a secret.
      await shell("ada", "sleep 2");
      await client.secrets.set("FAL_KEY", { value, hosts: ["api.test"] });
      const session = await client.sessions.create({ allowedTools: ["Bash"] });
      const events = await eventsOf(
        session.send(bash(`env; ${curl("http://api.test/x", '-H "x-api-key: $FAL_KEY"')}`)),
      );
      expect(seen.map(({ headers }) => headers["x-api-key"])).toEqual([value]);
      const said = printedBy(events);
      expect(said).toMatch(/^FAL_KEY=ce_secret_a_[0-9a-f]{32}$/m);
      // The host echoes it.
      expect(said).toMatch(/"x-api-key":"ce_secret_a_[0-9a-f]{32}"/);

      const past: unknown[] = [];
      for await (const event of session.events({ follow: false })) past.push(event);
      const tar = await edge.fetch(`/v1/sessions/${session.id}/export`, { account: "ada" });
      const listed = await edge.fetch("/v1/secrets", { account: "ada" });
      const shown = [events, past, await session.retrieve(), await listed.json()];
      expect(JSON.stringify(shown)).not.toContain(value);
      expect(Buffer.from(await tar.arrayBuffer()).includes(value)).toBe(false);
      expect(filesHolding(value, persist)).toEqual([]);
      // The search does find what is there.
      expect(filesHolding("FAL_KEY", persist)).not.toEqual([]);
      expect(processesHolding(value)).toEqual([]);
      expect(processesHolding("FAL_KEY=ce_secret_a_")).not.toEqual([]);
      expect(printed).not.toContain(value);
    },
  );

  test("goes in Basic, over HTTPS, and as soon as it has another value", async () => {
    const client = edge.client("basic");
    await client.secrets.set("API_PASS", { value: "first-value", hosts: ["api.test"] });
    const session = await client.sessions.create({ allowedTools: ["Bash"] });
    const basic = (pass: string) => `Basic ${Buffer.from(`me:${pass}`).toString("base64")}`;
    const command = curl("https://api.test/x", '-u "me:$API_PASS"');
    const said = await shellIn(session, command);
    expect(seen.map(({ headers }) => headers.authorization)).toEqual([basic("first-value")]);
    expect(said).not.toContain(basic("first-value"));
    expect(said).not.toContain("first-value");
    await client.secrets.set("API_PASS", { value: "second-value", hosts: ["api.test"] });
    await shellIn(session, command);
    expect(seen.at(-1)!.headers.authorization).toBe(basic("second-value"));
    await client.secrets.delete("API_PASS");
    expect(await shellIn(session, 'echo "[$API_PASS]"')).toBe("[]");
  });

  test("goes to no other host, in no query and no body, unless that was asked for", async () => {
    const client = edge.client("places");
    const hosts = ["api.test"];
    await client.secrets.set("HEADER_KEY", { value: "in-header-1", hosts });
    await client.secrets.set("BODY_KEY", { value: 'in-"body"-1', hosts, in: { body: true } });
    await client.secrets.set("QUERY_KEY", { value: "in query&1", hosts, in: { query: true } });
    const flags = `-H 'content-type: application/json' -H "x-api-key: $BODY_KEY" -d "{\\"a\\":\\"$BODY_KEY\\",\\"b\\":\\"$HEADER_KEY\\"}"`;
    const session = await client.sessions.create({ allowedTools: ["Bash"] });
    const ask = `${curl("http://api.test/x?a=$QUERY_KEY&b=$HEADER_KEY", flags)}; ${curl("http://other.test/y?a=$QUERY_KEY", flags)}`;
    // What was withheld is told while the turn runs.
    const events = await eventsOf(session.send(bash(`${ask}; ${ask}; sleep 3`)));
    const said = printedBy(events);
    const [own, other] = seen;
    expect(own!.url).toMatch(/^\/x\?a=in%20query%261&b=ce_secret_a_/);
    expect(JSON.parse(own!.body)).toEqual({
      a: 'in-"body"-1',
      b: expect.stringMatching(/^ce_secret_a_/),
    });
    expect(own!.headers["x-api-key"]).toMatch(/^ce_secret_a_/);
    expect(JSON.stringify(other)).not.toMatch(/in-header-1|in-\W+body|in query|in%20query/);
    expect(said).not.toMatch(/in-header-1|in-\W+body|in query|in%20query/);
    const withheld = events
      .filter((event) => event.kind === "secret")
      .map(({ scope, decision, host, name }) => `${scope} ${decision} ${host} ${name}`);
    expect(withheld.toSorted()).toEqual([
      // In another place than its own, and in another host's.
      "account withheld api.test BODY_KEY",
      "account withheld api.test HEADER_KEY",
      "account withheld other.test BODY_KEY",
      "account withheld other.test QUERY_KEY",
    ]);
  });
});

test("the placeholder of another account, or of another session, is of no use", async () => {
  const hosts = ["api.test"];
  const set = { KEY: { value: "not-for-eve", hosts } };
  const ada = edge.client("owner");
  await ada.secrets.set("ACCOUNT_KEY", { value: "not-for-eve", hosts });
  const session = await ada.sessions.create({ allowedTools: ["Bash"], secrets: set });
  const said = await shellIn(session, "env");
  const stolen = [...said.matchAll(/ce_secret_\w+/g)].map(([placeholder]) => placeholder);
  expect(new Set(stolen).size).toBe(2);
  const asks = stolen.map((placeholder) =>
    curl("http://api.test/", `-H 'x-api-key: ${placeholder}'`),
  );
  await shell("eve", asks.join("; "));
  expect(seen.map(({ headers }) => headers["x-api-key"])).toEqual(stolen);
  // A container of its own, by its network policy, has no secrets of the account's other sessions.
  seen.splice(0);
  const network = { type: "limited", allowed_hosts: hosts } as const;
  const own = stolen.find((placeholder) => placeholder.startsWith("ce_secret_s"))!;
  await shell("owner", curl("http://api.test/", `-H 'x-api-key: ${own}'`), { network });
  expect(seen.map(({ headers }) => headers["x-api-key"])).toEqual([own]);
});

test("a body that holds no secret keeps its length", async () => {
  const client = edge.client("length");
  await client.secrets.set("KEY", { value: "in-a-header", hosts: ["api.test"] });
  await shell("length", curl("http://api.test/", '-H "x-api-key: $KEY" -d four'));
  expect(seen).toMatchObject([
    { body: "four", headers: { "content-length": "4", "x-api-key": "in-a-header" } },
  ]);
});

test("the narrower secret of a name goes before the wider", async () => {
  const root = edge.client();
  const hosts = ["api.test"];
  await root.secrets.set("WHOSE", { value: "of-deployment", hosts });
  const ask = curl("http://api.test/", '-H "x-api-key: $WHOSE"');
  const asked = async (more?: QueryOptions) => {
    await shell("narrow", ask, more);
    return seen.at(-1)!.headers["x-api-key"];
  };
  expect(await asked()).toBe("of-deployment");
  await edge.client("narrow").secrets.set("WHOSE", { value: "of-account", hosts });
  expect(await asked()).toBe("of-account");
  const secrets = { WHOSE: { value: "of-session", hosts } };
  expect(await asked({ secrets })).toBe("of-session");
  expect(await asked()).toBe("of-account");
  await root.secrets.delete("WHOSE");
});

test("a session's secrets can be changed, and go with it to its fork", async () => {
  const client = edge.client("forked");
  const hosts = ["api.test"];
  const secrets = { KEY: { value: "value-one", hosts } };
  const session = await client.sessions.create({ allowedTools: ["Bash"], secrets });
  const ask = curl("http://api.test/", '-H "x-api-key: $KEY"');
  const asked = async (of: Session) => {
    await shellIn(of, ask);
    return seen.at(-1)!.headers["x-api-key"];
  };
  expect(await asked(session)).toBe("value-one");
  const fork = await session.fork();
  const changed = { allowedTools: ["Bash"], secrets: { KEY: { value: "value-two", hosts } } };
  await session.update({ options: changed });
  expect(await asked(session)).toBe("value-two");
  expect(await asked(fork)).toBe("value-one");
  await session.update({ options: { allowedTools: ["Bash"], secrets: { KEY: null } } });
  expect(await shellIn(session, 'echo "[$KEY]"')).toBe("[]");
});

test("a credential of an MCP server is a placeholder in the container", async () => {
  const headers = { Authorization: "Bearer marked-credential-1" };
  const mcpServers = { docs: { type: "http", url: "http://mcp.test/mcp", headers } } as const;
  const client = edge.client("mcp");
  const session = await client.sessions.create({ allowedTools: ["Bash"], mcpServers });
  const dump = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'";
  const said = await shellIn(session, dump);
  await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThan(0);
  expect(seen[0]!.headers.authorization).toBe("Bearer marked-credential-1");
  expect(said).not.toContain("marked-credential");
  expect(filesHolding("marked-credential", persist)).toEqual([]);
  const { options } = await session.retrieve();
  expect(options.mcpServers).toEqual({
    docs: { type: "http", url: "http://mcp.test/***", headers: { Authorization: "***" } },
  });
  expect((await client.secrets.list({ sessionId: session.id })).length).toBe(0);
});
