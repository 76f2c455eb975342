/** What a container reaches: policies of the deployment, the account and the session, decided outside of it. */
import type { EdgeEvent, QueryOptions } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import { usePrivateHost } from "../support/private-host.js";
import { useOwnStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const { named, seen } = await usePrivateHost(({ method, url, body }, response) =>
  url === "/away"
    ? response.writeHead(302, { location: "http://169.254.169.254/" }).end()
    : response.end(`${method} ${url} ${body}`),
);

const edge = useOwnStack({
  vars: {
    CLAUDE_EDGE_NETWORK: JSON.stringify({
      type: "limited",
      allowed_hosts: ["open.test", "other.test", "open.test:8080"],
      allow_mcp_servers: true,
    }),
    CLAUDE_EDGE_PRIVATE_HOSTS: JSON.stringify(
      named("open.test", "other.test", "mcp.test", "shut.test"),
    ),
  },
});

/** What a command of the agent's shell prints. */
async function shell(account: string, command: string, more: QueryOptions = {}): Promise<string> {
  const prompt = `%tool Bash ${JSON.stringify({ command })}\n%say Done.`;
  const events: EdgeEvent[] = [];
  for await (const event of edge.client(account).query(prompt, { allowedTools: ["Bash"], ...more }))
    events.push(event);
  expect(events.at(-1)).toMatchObject({ status: "completed" });
  const results = events.flatMap((event) => {
    if (event.kind !== "message" || event.message.type !== "user") return [];
    const { content } = event.message.message as { content: { content?: string }[] };
    return content.map((block) => block.content ?? "");
  });
  return results.join("\n");
}

const curl = (url: string, flags = "") => `curl -sS -m 20 ${flags} '${url}'`;

describe("the deployment's policy", () => {
  test("lets a request out to a host that it lists, with its method, path, headers and body", async () => {
    const said = await shell(
      "open",
      curl("http://open.test/a?b=c", "-X PUT -d body -H 'x-mine: 1'"),
    );
    expect(said).toBe("PUT /a?b=c body");
    expect(seen).toMatchObject([{ url: "/a?b=c", body: "body", headers: { "x-mine": "1" } }]);
  });

  test("denies any other host, and says how to allow it", async () => {
    const said = await shell("open", curl("http://shut.test/", "-w ' %{http_code}'"));
    expect(said).toContain("shut.test is not reachable from this container");
    expect(said).toContain('add "shut.test" to allowed_hosts of CLAUDE_EDGE_NETWORK');
    expect(said).toMatch(/ 403$/);
    expect(seen).toEqual([]);
  });

  test.each([
    "http://127.0.0.1/",
    "http://2130706433/",
    "http://[::1]/",
    "http://localhost/",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/",
    "http://account.claude-edge.internal/v1/models",
  ])("never reaches %s", async (url) => {
    const said = await shell("open", curl(url, "-g --noproxy ''"));
    expect(said).toContain("private, link-local and metadata addresses are never reached");
  });

  test("leaves a redirection to the caller, whose next request is checked again", async () => {
    const said = await shell("open", curl("http://open.test/away", "-L"));
    expect(said).toContain("never reached");
  });

  test("is not got around by a host header", async () => {
    const said = await shell("open", curl("http://shut.test/", "-H 'host: open.test'"));
    expect(said).toContain("shut.test is not reachable");
    expect(seen).toEqual([]);
  });
});

describe("an account's policy", () => {
  const put = (account: string, policy: unknown) =>
    edge.fetch("/v1/network", { method: "PUT", account, json: { policy } });

  test("narrows the deployment's, from the next request on", async () => {
    const own = { type: "limited", allowed_hosts: ["other.test"] };
    expect(await shell("narrow", curl("http://open.test/"))).toBe("GET /");
    const answer = await put("narrow", own);
    expect(await answer.json()).toMatchObject({ account: "narrow", own });
    // Rules are kept for five seconds.
    const command = `for i in $(seq 20); do ${curl("http://open.test/")} | grep -q 'not reachable' && break; sleep 1; done; ${curl("http://open.test/")}; ${curl("http://other.test/")}`;
    const said = await shell("narrow", command);
    expect(said).toContain("claude-edge network allow open.test");
    expect(said).toContain("GET /");
    expect(await (await put("narrow", null)).json()).toMatchObject({ own: null });
    expect(await shell("narrow", curl("http://open.test/"))).toBe("GET /");
  });

  test("cannot be wider than the deployment's", async () => {
    const answer = await put("wide", {
      type: "limited",
      allowed_hosts: ["open.test", "shut.test"],
    });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({
      error: { code: "network_too_wide", details: { hosts: ["shut.test"] } },
    });
    expect((await put("wide", { type: "unrestricted" })).status).toBe(409);
  });

  test("that is none is refused", async () => {
    const answer = await put("wide", { type: "limited", allowed_hosts: ["https://open.test/"] });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("must be a host like example.com");
  });
});

describe("a session's policy", () => {
  test("narrows the account's, in a container of its own", async () => {
    const network = { type: "limited", allowed_hosts: ["other.test"] } as const;
    const command = `${curl("http://open.test/")}; ${curl("http://other.test/")}`;
    const said = await shell("sessions", command, { network });
    expect(said).toContain("open.test is not reachable");
    expect(said).toContain("options.network");
    expect(said).toContain("GET /");
    // Another session of the account is not bound by it.
    expect(await shell("sessions", curl("http://open.test/"))).toBe("GET /");
  });
});

test("a denied host is told in the session once a turn, and what went out is counted", async () => {
  const client = edge.client("told");
  const session = await client.sessions.create({ allowedTools: ["Bash"] });
  const commands = ["shut.test/a", "shut.test/b", "open.test/", "127.0.0.1/"];
  const command = commands
    .map((path) => curl(`http://${path}`, "--noproxy ''"))
    .join("; sleep 1; ");
  const events: EdgeEvent[] = [];
  for await (const event of session.send(`%tool Bash ${JSON.stringify({ command })}\n%say Done.`))
    events.push(event);
  const told = events.filter((event) => event.kind === "network");
  expect(told).toMatchObject([
    { host: "shut.test", method: "GET", decision: "denied", reason: "deployment" },
    { host: "127.0.0.1", method: "GET", decision: "denied", reason: "local" },
  ]);
  const { id } = session;
  const used = async () => {
    const answer = await edge.fetch(`/v1/sessions/${id}/network`, { account: "told" });
    return ((await answer.json()) as { hosts: unknown[] }).hosts;
  };
  await until("the last request is counted", async () => (await used()).length === 3);
  const turn_id = told[0]!.turn_id;
  const none = { turn_id, requests: 0, sent_bytes: 0, received_bytes: 0 };
  expect(await used()).toEqual([
    { ...none, host: "127.0.0.1", denied: 1 },
    { turn_id, host: "open.test", requests: 1, denied: 0, sent_bytes: 0, received_bytes: 6 },
    { ...none, host: "shut.test", denied: 2 },
  ]);
});

test("the hosts of a session's MCP servers are reached, and no others of their domain", async () => {
  const mcpServers = { docs: { type: "http", url: "http://mcp.test/mcp" } } as const;
  const command = `${curl("http://mcp.test/x")}; ${curl("http://a.mcp.test/")}`;
  const said = await shell("mcp", command, { mcpServers });
  expect(said).toContain("GET /x");
  expect(said).toContain("a.mcp.test is not reachable");
});
