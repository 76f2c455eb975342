import { EdgeError, type NetworkPolicy } from "@claude-edge/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { captureLog } from "../../test/support/capture-log.js";
import { Resolver, type Resolution } from "./dns.js";
import { ORIGIN_MARK } from "./origin-mark.js";
import { sendOut, type Exit } from "./outbound.js";
import type { HostTraffic } from "./traffic.js";

const limited = (...allowed_hosts: string[]): NetworkPolicy => ({ type: "limited", allowed_hosts });

let sent: Request[];
let answer: () => Response | Promise<Response>;
let counts: Map<string, HostTraffic>;
beforeEach(() => {
  sent = [];
  answer = () => new Response("hello");
  counts = new Map();
  vi.stubGlobal("fetch", async (request: Request) => {
    sent.push(request);
    return answer();
  });
});
afterEach(() => void vi.unstubAllGlobals());

/** Knows every name as what it is said to be. */
class KnownNames extends Resolver {
  readonly #resolution: Resolution;

  constructor(resolution: Resolution) {
    super();
    this.#resolution = resolution;
  }

  override resolve(): Promise<Resolution> {
    return Promise.resolve(this.#resolution);
  }
}

const exit = (policy: NetworkPolicy, more: Partial<Exit> = {}): Exit => ({
  subject: { account: "ada" },
  rules: async () => ({ policies: { deployment: policy }, mcpHosts: [], grants: [] }),
  ask: async (_target, _request, otherwise) => otherwise,
  tell: async () => {},
  privateHosts: new Map(),
  resolver: new KnownNames("public"),
  mark: "mark",
  secrets: () => Promise.resolve({ open: [], misdirected: [] }),
  traffic: (host, method) => {
    const none = { requests: 0, denied: 0, sentBytes: 0, receivedBytes: 0 };
    if (!counts.has(host)) counts.set(host, { host, method, ...none });
    return counts.get(host)!;
  },
  ...more,
});

describe("an allowed request", () => {
  test("goes out as it is, but for headers of proxies and ours, and is marked", async () => {
    const headers = {
      "x-mine": "1",
      "proxy-authorization": "x",
      "x-claude-edge-account": "eve",
      [ORIGIN_MARK]: "forged",
    };
    const request = new Request("https://a.com/b?c=d", { method: "POST", body: "body", headers });
    const { status } = await sendOut(request, exit(limited("a.com")));
    expect(status).toBe(200);
    const [out] = sent;
    expect([out!.method, out!.url, await out!.text()]).toEqual([
      "POST",
      "https://a.com/b?c=d",
      "body",
    ]);
    expect(out!.redirect).toBe("manual");
    expect(Object.fromEntries(out!.headers)).toMatchObject({
      "x-mine": "1",
      [ORIGIN_MARK]: "mark",
    });
    expect(out!.headers.has("proxy-authorization")).toBe(false);
    expect(out!.headers.has("x-claude-edge-account")).toBe(false);
  });

  test("of a private host goes to the origin that the operator gave its name", async () => {
    const privateHosts = new Map([["git.corp", new URL("http://10.0.0.5:3000")]]);
    await sendOut(
      new Request("https://git.corp/a.git?b"),
      exit(limited("git.corp"), { privateHosts, resolver: new KnownNames("local") }),
    );
    expect(sent[0]!.url).toBe("http://10.0.0.5:3000/a.git?b");
  });

  test.each(["//b.com/a", "/\\b.com/a", "/.//b.com/a"])(
    "of a private host stays there, also for the path %s",
    async (path) => {
      const privateHosts = new Map([["git.corp", new URL("http://10.0.0.5:3000")]]);
      const way = exit(limited("git.corp"), { privateHosts });
      await sendOut(new Request(`https://git.corp${path}`), way);
      expect(sent[0]!.url).toBe("http://10.0.0.5:3000//b.com/a");
    },
  );

  test("is counted with the bytes that went and came", async () => {
    const request = new Request("https://a.com/", {
      method: "PUT",
      body: "four",
      headers: { "content-length": "4" },
    });
    await (await sendOut(request, exit(limited("a.com")))).text();
    expect(counts.get("a.com")).toMatchObject({ requests: 1, sentBytes: 4, receivedBytes: 5 });
  });

  test("of a changed rule is allowed at once: a denial has the rules read again", async () => {
    const rules = vi.fn<Exit["rules"]>(async (fresh) => ({
      policies: { deployment: fresh ? limited("a.com") : limited() },
      mcpHosts: [],
      grants: [],
    }));
    const { status } = await sendOut(new Request("https://a.com/"), exit(limited(), { rules }));
    expect(status).toBe(200);
    expect(rules).toHaveBeenCalledTimes(2);
  });

  test("whose connection fails is a 502 that says so", async () => {
    captureLog();
    answer = () => Promise.reject(new Error("refused"));
    const failed = await sendOut(new Request("https://a.com/"), exit(limited("a.com")));
    expect([failed.status, failed.headers.get("x-claude-edge-error")]).toEqual([
      502,
      "host_unreachable",
    ]);
  });
});

describe("a denied request", () => {
  test("is a 403 that names the way, goes nowhere and is counted", async () => {
    const denied = await sendOut(new Request("https://b.com/"), exit(limited("a.com")));
    expect([denied.status, denied.headers.get("x-claude-edge-error")]).toEqual([
      403,
      "network_denied",
    ]);
    expect(await denied.text()).toContain('add "b.com" to allowed_hosts');
    expect(sent).toEqual([]);
    expect(counts.get("b.com")).toMatchObject({ requests: 0, denied: 1, reason: "deployment" });
  });

  test.each([
    ["http://127.0.0.1/", "public"],
    ["http://[::ffff:10.0.0.1]/", "public"],
    ["http://metadata.google.internal/", "public"],
    ["https://rebound.com/", "local"],
  ] as const)("%s is local whatever the policy says", async (url, resolution) => {
    const way = exit({ type: "unrestricted" }, { resolver: new KnownNames(resolution) });
    const denied = await sendOut(new Request(url), way);
    expect(denied.status).toBe(403);
    expect(await denied.text()).toContain("are never reached");
    expect(sent).toEqual([]);
  });

  test("a name that does not resolve is a 502", async () => {
    const way = exit({ type: "unrestricted" }, { resolver: new KnownNames("unknown") });
    expect((await sendOut(new Request("https://a.com/"), way)).status).toBe(502);
    expect(sent).toEqual([]);
  });
});

describe("a request with the placeholder of a secret", () => {
  const placeholder = `ce_secret_a_${"0".repeat(32)}`;
  const secret = {
    name: "KEY",
    scope: "account" as const,
    placeholder,
    value: "marked-value",
    places: { header: true },
  };
  const request = () =>
    new Request("https://a.com/", {
      method: "POST",
      body: "body",
      headers: { "x-key": placeholder },
    });
  const open: NetworkPolicy = { type: "limited", allowed_hosts: ["a.com"] };

  test("goes out with its value, and the answer comes without", async () => {
    answer = () => new Response("you sent marked-value", { headers: { "x-echo": "marked-value" } });
    const found = { open: [secret], misdirected: [] };
    const response = await sendOut(request(), exit(open, { secrets: async () => found }));
    expect(sent[0]!.headers.get("x-key")).toBe("marked-value");
    expect(await sent[0]!.text()).toBe("body");
    expect(response.headers.get("x-echo")).toBe(placeholder);
    expect(await response.text()).toBe(`you sent ${placeholder}`);
  });

  test("goes to another host as it is, which is noted once", async () => {
    const found = { open: [], misdirected: [{ name: "KEY", scope: "account" as const }] };
    for (const _ of [1, 2]) await sendOut(request(), exit(open, { secrets: async () => found }));
    expect(sent[0]!.headers.get("x-key")).toBe(placeholder);
    expect(counts.get("a.com")!.withheld).toEqual(found.misdirected);
  });

  test("stays as it is in a place that it is not for, which is noted", async () => {
    const found = { open: [{ ...secret, places: { query: true } }], misdirected: [] };
    await sendOut(request(), exit(open, { secrets: async () => found }));
    expect(sent[0]!.headers.get("x-key")).toBe(placeholder);
    expect(counts.get("a.com")!.withheld).toEqual([{ name: "KEY", scope: "account" }]);
  });

  test("is asked about only when it may leave", async () => {
    const secrets = () => expect.fail("a denied request asks for no secret");
    const response = await sendOut(request(), exit({ type: "limited" }, { secrets }));
    expect(response.status).toBe(403);
  });

  test("whose secret cannot be opened fails", async () => {
    const secrets = () => Promise.reject(new EdgeError("secret_unreadable", "No."));
    await expect(sendOut(request(), exit(open, { secrets }))).rejects.toThrow("No.");
    expect(sent).toEqual([]);
  });
});
