import type { SessionOptions } from "@claude-edge/protocol";
import { describe, expect, test } from "vitest";

import { placeholdersIn } from "../secrets/placeholder.js";
import { splitSecrets } from "./option-secrets.js";

const SESSION = "6ff168f4-104f-4591-9476-c83ee836d8ac";
const split = (options: object, more?: Parameters<typeof splitSecrets>[2]) =>
  splitSecrets(SESSION, options as SessionOptions, more);
const server = (headers: object, url = "https://mcp.example.com/x?y=1") => ({
  mcpServers: { docs: { type: "http", url, headers } },
});
const headersOf = ({ mcpServers }: SessionOptions) =>
  (mcpServers as Record<string, { headers: Record<string, string> }>).docs!.headers;

describe("secrets of options", () => {
  test("are taken out, and named ones with null taken away", () => {
    const secrets = {
      FAL_KEY: { value: "fal-1", hosts: ["fal.run"], in: { body: true } },
      OLD: null,
    };
    expect(split({ model: "opus", secrets })).toEqual({
      options: { model: "opus" },
      secrets: [{ name: "FAL_KEY", value: "fal-1", hosts: ["fal.run"], places: { body: true } }],
      removed: ["OLD"],
    });
  });

  test("are checked, and a refusal says which it is and nothing of its value", () => {
    const bad = { FAL_KEY: { value: "marked\n", hosts: ["fal.run"] } };
    expect(() => split({ secrets: bad })).toThrow(/^secrets\.FAL_KEY\.value: has line breaks/);
    const many = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, index) => [
        `K${index}`,
        { value: "v", hosts: ["a.example.com"] },
      ]),
    );
    expect(() => split({ secrets: many })).toThrow(
      expect.objectContaining({ code: "too_many_secrets" }),
    );
  });
});

describe("a credential in the headers of a remote MCP server", () => {
  test.each([
    ["Authorization", "Bearer sk-1", "Bearer ", "sk-1"],
    ["authorization", "Basic dXNlcjpwYXNz", "Basic ", "dXNlcjpwYXNz"],
    ["X-Api-Key", "sk-1", "", "sk-1"],
    ["Cookie", "session=1; b=2", "", "session=1; b=2"],
    ["X-Whatever", "a1b2c3d4e5f6a1b2c3d4e5f6", "", "a1b2c3d4e5f6a1b2c3d4e5f6"],
  ])("%s: %s becomes a secret of that host", (header, given, scheme, value) => {
    const { options, secrets } = split(server({ [header]: given }));
    const [placeholder] = placeholdersIn(headersOf(options)[header]!);
    expect(headersOf(options)[header]).toBe(scheme + placeholder);
    expect(secrets).toEqual([
      {
        name: `mcp:docs ${header.toLowerCase()}`,
        value,
        hosts: ["mcp.example.com"],
        places: { header },
        placeholder,
      },
    ]);
  });

  test.each([
    ["Accept", "application/json, text/event-stream"],
    ["X-Region", "eu-west-1"],
    ["Mcp-Session-Id", "a1b2c3d4e5f6a1b2c3d4e5f6"],
    ["Authorization", "Bearer ${MY_TOKEN}"],
    ["Authorization", ""],
    ["Authorization", 5],
  ])("%s: %j is none that it can take", (header, value) => {
    const given = server({ [header]: value });
    expect(split(given)).toEqual({ options: given, secrets: [], removed: [] });
  });

  test.each(["Bearer sk-1\n", "  Bearer sk-1 ", "Bearer sk-1\r\n"])(
    "%j is taken without what is around it",
    (given) => {
      const { options, secrets } = split(server({ Authorization: given }));
      expect(secrets[0]!.value).toBe("sk-1");
      expect(headersOf(options).Authorization).toMatch(/^Bearer ce_secret_/);
    },
  );

  test.each([
    ["Bearer sk\n-1", "https://mcp.example.com/", "has line breaks"],
    ["Bearer é", "https://mcp.example.com/", "printable ASCII"],
    ["Bearer ${KEY:-sk-1}", "https://mcp.example.com/", "a variable with a default"],
    ["Bearer sk-1", "https://${HOST:-mcp.example.com}/", "write the server's URL out"],
  ])("%j to %s is refused: the container would get it as it is", (given, url, message) => {
    expect(() => split(server({ Authorization: given }, url))).toThrow(
      expect.objectContaining({
        code: "secret_value_invalid",
        message: expect.stringContaining(message) as string,
      }),
    );
  });

  test.each([
    [" https://mcp.example.com/ ", "mcp.example.com"],
    ["https://mcp.example.com:8443/", "mcp.example.com:8443"],
    ["http://MCP.example.com./", "mcp.example.com"],
    ["http://10.0.0.5:3000/mcp", "10.0.0.5:3000"],
    ["https://[2001:4860::1]:9/", "[2001:4860::1]:9"],
  ])("of %s goes to %s", (url, host) => {
    expect(split(server({ authorization: "Bearer x" }, url)).secrets[0]!.hosts).toEqual([host]);
  });

  test.each([
    { mcpServers: { docs: { command: "x", env: { TOKEN: "t" } }, sdk: { type: "sdk" } } },
    server({ authorization: "Bearer x" }, "no url"),
    server({ authorization: "Bearer x" }, "file:///etc"),
    // Within the container: no gateway is on the way.
    server({ authorization: "Bearer x" }, "http://127.0.0.1:3000/mcp"),
    server({ authorization: "Bearer x" }, "http://2130706433/"),
    server({ authorization: "Bearer x" }, "http://localhost./"),
    server({ authorization: "Bearer x" }, "http://[::1]:9/"),
    { mcpServers: { docs: null, other: "x", third: { url: 5, headers: { a: "b" } } } },
    { agents: { a: null, b: { mcpServers: "x" }, c: { mcpServers: ["docs", null] } } },
  ])("is only looked for in remote servers: %j", (given) => {
    expect(split(given)).toEqual({ options: given, secrets: [], removed: [] });
  });

  test("is one of a hundred at the most", () => {
    const headers = Object.fromEntries(
      Array.from({ length: 101 }, (_, index) => [`x-key-${index}`, "v"]),
    );
    expect(() => split(server(headers))).toThrow(/^mcpServers: credentials: 101 are given/);
  });

  test("of an agent's own server is found too", () => {
    const own = server({ authorization: "Bearer x" }).mcpServers;
    const { options, secrets } = split({ agents: { helper: { mcpServers: ["web", own] } } });
    expect(JSON.stringify(options)).not.toContain("Bearer x");
    expect(secrets.map(({ name }) => name)).toEqual(["mcp:helper/docs authorization"]);
  });

  test("keeps its placeholder when it is given anew, and is left alone when it is one", () => {
    const first = split(server({ authorization: "Bearer one" }));
    const again = split(server({ authorization: "Bearer two" }), { stored: first.options });
    expect(again.options).toEqual(first.options);
    expect(again.secrets).toMatchObject([
      { value: "two", placeholder: first.secrets[0]!.placeholder },
    ]);
    expect(split(first.options, { stored: first.options })).toEqual({
      options: first.options,
      secrets: [],
      removed: [],
    });
  });
});
