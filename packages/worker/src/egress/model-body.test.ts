import type { NetworkPolicy } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { checkedBody } from "./model-body.js";

const LIMITED: NetworkPolicy = { type: "limited", allowed_hosts: ["a.com"] };
const WITHOUT_WEB: NetworkPolicy = { ...LIMITED, allow_web_tools: false };

const encode = (text: string) => new TextEncoder().encode(text);

/** A request whose body comes in chunks. */
const request = (chunks: readonly Uint8Array[], headers: Record<string, string> = {}): Request =>
  new Request("http://model/v1/messages", {
    method: "POST",
    headers,
    duplex: "half",
    body: new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        controller.close();
      },
    }),
  } as unknown as RequestInit);

async function check(
  body: string | readonly Uint8Array[],
  policy: NetworkPolicy = LIMITED,
  headers: Record<string, string> = {},
) {
  const chunks = typeof body === "string" ? [encode(body)] : body;
  const checked = await checkedBody(request(chunks, headers), async () => ({
    policies: { deployment: policy },
    mcpHosts: [],
    grants: [],
  }));
  const sent = await new Response(checked.body).text();
  checked.release();
  return { sent, isRead: checked.isRead };
}

const call = (url: string) => `{ "mcp_servers": [{"type":"url", "url":"${url}"}] }`;
const denied = expect.objectContaining({ code: "network_denied" });

describe("a model call's body", () => {
  test("is not looked at when no policy is limited", async () => {
    const { sent, isRead } = await check(call("https://b.com"), { type: "unrestricted" });
    expect({ sent, isRead }).toEqual({ sent: call("https://b.com"), isRead: false });
  });

  test("is sent as it came when it names nothing of the network", async () => {
    const text =
      '{ "a": 1.0, "a": "\\u001b \\u00e9 \\u0041 é", "tools": [{"type": "bash_20250124"}] ';
    expect((await check(text, WITHOUT_WEB)).sent).toBe(text);
  });

  test("is sent as it was read when it does", async () => {
    expect((await check(call("https://a.com/x"))).sent).toBe(
      '{"mcp_servers":[{"type":"url","url":"https://a.com/x"}]}',
    );
    // The names of web tools are searched for when a policy turns them off.
    const text = '{ "text": "web_search_" }';
    expect((await check(text)).sent).toBe(text);
    expect((await check(text, WITHOUT_WEB)).sent).toBe('{"text":"web_search_"}');
  });

  test("is refused for a host that is not allowed", async () => {
    await expect(check(call("https://b.com"))).rejects.toEqual(denied);
  });

  test.each([
    '{"tools":[{"type":"web_search_20260318"}]}',
    '{"tools":[{"type":"web\\u005fsearch\\u005F20260318"}]}',
    '{"tools":[{"type":"\\u0077eb_fetch\\u005f20260318"}]}',
    '{"tools":[{"type":"code_execution_20260521"}]}',
    '{"messages":[{"content":[{"source":{"type":"url","url":"https://b.com/?data"}}]}]}',
  ])("is refused for %s when web tools are off", async (text) => {
    await expect(check(text, WITHOUT_WEB)).rejects.toEqual(denied);
    expect((await check(text)).sent).not.toBe("");
  });
});

describe("what another reader could find in a body", () => {
  test.each([1, 2, 7])("is found in chunks of %i bytes", async (size) => {
    const bytes = encode(`{"text":"é😀","mcp\\u005fservers":[{"url":"https://b.com"}]}`);
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.slice(at * size, (at + 1) * size),
    );
    await expect(check(chunks)).rejects.toEqual(denied);
  });

  test("is found when every letter is an escape", async () => {
    const escaped = [..."mcp_servers"].map(
      (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    const bytes = encode(`{"${escaped.join("")}":[{"url":"https://b.com"}]}`);
    await expect(check([bytes.slice(0, 68), bytes.slice(68)])).rejects.toEqual(denied);
  });

  test("is what is sent, of two fields of one name the last", async () => {
    const twice = (first: string, last: string) =>
      `{"mcp_servers":[{"url":"${first}"}],"mcp_servers":[{"url":"${last}"}]}`;
    await expect(check(twice("https://a.com", "https://b.com"))).rejects.toEqual(denied);
    expect((await check(twice("https://b.com", "https://a.com"))).sent).toBe(
      '{"mcp_servers":[{"url":"https://a.com/"}]}',
    );
  });

  test.each([
    ["UTF-16", [new Uint8Array([...encode(call("https://b.com"))].flatMap((byte) => [byte, 0]))]],
    ["no UTF-8", [encode('{"a":"'), new Uint8Array([0xc1, 0x9f]), encode('"}')]],
    ["half a character", [encode('{"a":"'), new Uint8Array([0xc3])]],
    ["no JSON", [encode(`{mcp_servers:[{url:"https://b.com"}]}`)]],
  ])("is refused as %s", async (_name, chunks) => {
    await expect(check(chunks)).rejects.toMatchObject({ code: "invalid_json" });
  });

  test.each([
    { "content-encoding": "gzip" },
    { "content-type": "application/json; charset=utf-16" },
    { "content-type": 'application/json; charset="ibm037"' },
  ])("is refused as %j", async (headers) => {
    await expect(check("{}", LIMITED, headers)).rejects.toMatchObject({
      code: "unsupported_media_type",
    });
  });

  test("is taken with headers that say what it is", async () => {
    const headers = { "content-type": "application/json; charset=UTF-8" };
    expect((await check("{}", LIMITED, headers)).sent).toBe("{}");
  });

  test("is refused when it is nested too deep", async () => {
    const deep = `{"mcp_servers":${"[".repeat(500)}${"]".repeat(500)}}`;
    await expect(check(deep)).rejects.toMatchObject({ code: "invalid_request" });
  });
});

describe("large bodies", () => {
  const MIB = 1024 * 1024;
  const zero = encode("0".repeat(MIB));
  const zeros = (count: number) => Array.from({ length: count }, () => zero);

  test("are sent up to the API's limit", async () => {
    expect((await check(zeros(32))).sent).toHaveLength(32 * MIB);
    await expect(check(zeros(33))).rejects.toMatchObject({ code: "body_too_large" });
  });

  test("are refused sooner when they must be parsed", async () => {
    const chunks = [encode('{"mcp_servers":"'), ...zeros(16), encode('"}')];
    await expect(check(chunks)).rejects.toMatchObject({ code: "body_too_large" });
  });

  test("are refused for a while when others are held, and none of them is kept", async () => {
    const policies = { deployment: LIMITED };
    const hold = () =>
      checkedBody(request(zeros(30)), async () => ({ policies, mcpHosts: [], grants: [] }));
    const [first, second] = [await hold(), await hold()];
    await expect(hold()).rejects.toMatchObject({ code: "overloaded" });
    first.release();
    first.release();
    const third = await hold();
    await expect(hold()).rejects.toMatchObject({ code: "overloaded" });
    second.release();
    third.release();
  });
});

test("a denial is checked against rules that are not from memory", async () => {
  const asked: boolean[] = [];
  const { body, release } = await checkedBody(
    request([encode(call("https://b.com"))]),
    async (fresh) => {
      asked.push(fresh);
      const allowed_hosts = fresh ? ["b.com"] : ["a.com"];
      return {
        policies: { deployment: { type: "limited", allowed_hosts } },
        mcpHosts: [],
        grants: [],
      };
    },
  );
  expect(asked).toEqual([false, true]);
  expect(body).toContain("b.com");
  release();
});
