import { ApiError } from "@claude-edge/client";
import { describe, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { FORBIDDEN, outcome, useTokens } from "../support/tokens.js";

const { edge, ask, holder, mint } = useTokens(useStack());

const hosts = ["api.example.com"];
const put = (account: string, name: string, json: unknown) =>
  edge.fetch(`/v1/secrets/${encodeURIComponent(name)}`, { method: "PUT", account, json });
const refusal = async (response: Response) => outcome(response);

describe("the secrets of an account", () => {
  test("are set, listed by name without values, and deleted", async () => {
    const { secrets } = edge.client("secrets-api");
    const set = await secrets.set("FAL_KEY", {
      value: "marked-value",
      hosts: ["FAL.run", "*.fal.run"],
    });
    expect(set).toEqual({
      name: "FAL_KEY",
      scope: "account",
      hosts: ["fal.run", "*.fal.run"],
      in: { header: true },
      created_at: expect.stringMatching(/^\d{4}-/),
      updated_at: set.created_at,
    });
    await secrets.set("A_KEY", {
      value: "marked-value",
      hosts,
      in: { query: true, header: "X-Key" },
    });
    const again = await secrets.set("FAL_KEY", { value: "marked-value", hosts });
    expect(again).toMatchObject({ created_at: set.created_at, hosts });
    const listed = await secrets.list();
    expect(listed.map(({ name }) => name)).toEqual(["A_KEY", "FAL_KEY"]);
    expect(listed[0]!.in).toEqual({ query: true, header: "X-Key" });
    expect(JSON.stringify(listed)).not.toMatch(/marked|ce_secret/);
    expect(await edge.client("secrets-other").secrets.list()).toEqual([]);

    await secrets.delete("FAL_KEY");
    await expect(secrets.delete("FAL_KEY")).rejects.toMatchObject({ code: "secret_not_found" });
    expect((await secrets.list()).length).toBe(1);
  });

  test("are its administrator's to change, and its readers' to list", async () => {
    const account = "secrets-scopes";
    const admin = holder(await mint({ account, scopes: ["admin"] }));
    await admin.secrets.set("KEY", { value: "v", hosts });
    const reader = await mint({ account, scopes: ["sessions:read", "sessions:write", "query"] });
    expect(await holder(reader).secrets.list()).toMatchObject([{ name: "KEY", scope: "account" }]);
    const json = { value: "v", hosts };
    for (const method of ["PUT", "DELETE"]) {
      const init = { method, ...(method === "PUT" ? { json } : {}) };
      expect(await outcome(await ask(reader, "/v1/secrets/KEY", init))).toMatchObject(FORBIDDEN);
    }
    const elsewhere = { method: "PUT", account: "secrets-api", json };
    const adminToken = await mint({ account, scopes: ["admin"] });
    expect(await outcome(await ask(adminToken, "/v1/secrets/KEY", elsewhere))).toMatchObject(
      FORBIDDEN,
    );
  });

  test("are gone with the account", async () => {
    const client = edge.client("secrets-erased");
    await client.secrets.set("KEY", { value: "v", hosts });
    await edge.client().accounts.delete("secrets-erased");
    expect(await client.secrets.list()).toEqual([]);
  });
});

test("the root key that names no account speaks of the deployment's", async () => {
  // Of a host that nobody asks, and gone at once: other files use this deployment.
  const { secrets } = edge.client();
  const set = await secrets.set("OF_DEPLOYMENT", { value: "v", hosts: ["nobody.invalid"] });
  expect(set.scope).toBe("deployment");
  expect((await secrets.list()).map(({ name }) => name)).toContain("OF_DEPLOYMENT");
  expect((await edge.client("default").secrets.list()).map(({ name }) => name)).not.toContain(
    "OF_DEPLOYMENT",
  );
  await secrets.delete("OF_DEPLOYMENT");
  await expect(secrets.delete("OF_DEPLOYMENT")).rejects.toBeInstanceOf(ApiError);
});

describe("bad input", () => {
  test.each<[what: string, name: string, body: unknown, expected: object]>([
    [
      "a value of another type",
      "KEY",
      { value: 5, hosts },
      { code: "invalid_request", status: 400 },
    ],
    ["no value", "KEY", { hosts }, { code: "invalid_request" }],
    ["an empty value", "KEY", { value: "", hosts }, { code: "secret_value_invalid" }],
    ["a value with lines", "KEY", { value: "a\nb", hosts }, { code: "secret_value_invalid" }],
    [
      "100 kB",
      "KEY",
      { value: "x".repeat(100_000), hosts },
      { code: "secret_too_large", status: 413 },
    ],
    ["no hosts", "KEY", { value: "v", hosts: [] }, { code: "secret_hosts_invalid", status: 400 }],
    [
      "hosts of another type",
      "KEY",
      { value: "v", hosts: "a.example.com" },
      { code: "invalid_request" },
    ],
    ["every host", "KEY", { value: "v", hosts: ["*"] }, { code: "secret_hosts_invalid" }],
    [
      "a URL",
      "KEY",
      { value: "v", hosts: ["https://a.example.com"] },
      { code: "secret_hosts_invalid" },
    ],
    ["nowhere", "KEY", { value: "v", hosts, in: {} }, { code: "invalid_request" }],
    ["elsewhere", "KEY", { value: "v", hosts, in: { path: true } }, { code: "invalid_request" }],
    ["more fields", "KEY", { value: "v", hosts, scope: "x" }, { code: "invalid_request" }],
    ["PATH", "PATH", { value: "v", hosts }, { code: "secret_name_refused", status: 400 }],
    ["ours", "ANTHROPIC_API_KEY", { value: "v", hosts }, { code: "secret_name_refused" }],
    ["no variable", "a-b", { value: "v", hosts }, { code: "secret_name_refused" }],
    [
      "a credential's",
      "mcp:docs authorization",
      { value: "v", hosts },
      { code: "secret_name_refused" },
    ],
  ])("%s is refused", async (_what, name, body, expected) => {
    expect(await refusal(await put("secrets-bad", name, body))).toMatchObject(expected);
    const listed = await edge.client("secrets-bad").secrets.list();
    expect(listed).toEqual([]);
  });

  test("says the way out", async () => {
    const answer = await put("secrets-bad", "KEY", { value: "v", hosts: ["*"] });
    expect(await answer.json()).toMatchObject({
      error: { suggestion: expect.stringContaining("*.example.com") },
    });
  });

  test("a thousand of them are too many", async () => {
    const secrets = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, index) => [`K${index}`, { value: "v", hosts }]),
    );
    const answer = await edge.fetch("/v1/sessions", {
      account: "secrets-bad",
      json: { options: { secrets } },
    });
    expect(await refusal(answer)).toMatchObject({ status: 409, code: "too_many_secrets" });
  });
});

describe("the secrets of a session", () => {
  const account = "secrets-session";

  test("come in with its options, and are in none that are told", async () => {
    const client = edge.client(account);
    const secrets = { KEY: { value: "marked-value", hosts } };
    const session = await client.sessions.create({ secrets, model: "opus" });
    const resource = await session.retrieve();
    expect(resource.options).toEqual({ model: "opus" });
    expect(await client.secrets.list({ sessionId: session.id })).toMatchObject([
      { name: "KEY", scope: "session", session_id: session.id },
    ]);
    expect(await client.secrets.list()).toEqual([]);
    // What was read is sent back: nothing is lost by it.
    const read = { options: resource.options };
    const path = `/v1/sessions/${session.id}`;
    expect((await edge.fetch(path, { method: "PATCH", account, json: read })).status).toBe(200);
    const more = { secrets: { OTHER: { value: "v", hosts }, KEY: null } };
    expect(await session.update({ options: more })).toMatchObject({ options: {} });
    expect((await client.secrets.list({ sessionId: session.id })).map(({ name }) => name)).toEqual([
      "OTHER",
    ]);
    await session.delete();
    expect(await client.secrets.list({ sessionId: session.id })).toEqual([]);
  });

  test("that are refused make no session", async () => {
    const json = { options: { secrets: { PATH: { value: "v", hosts } } } };
    const before = await edge.fetch("/v1/sessions", { account, json });
    expect(await refusal(before)).toMatchObject({ status: 400, code: "secret_name_refused" });
    const query = await edge.fetch("/v1/query", { account, json: { ...json, prompt: "%say x" } });
    expect(await refusal(query)).toMatchObject({ status: 400, code: "secret_name_refused" });
  });

  test("are in the environment of its first turn, as placeholders", async () => {
    const secrets = { KEY: { value: "marked-value", hosts } };
    const prompt = `%tool Bash ${JSON.stringify({ command: 'echo "[$KEY]"' })}\n%say Done.`;
    const seen: unknown[] = [];
    const turn = edge.client(account).query(prompt, { allowedTools: ["Bash"], secrets });
    for await (const event of turn) seen.push(event);
    expect(JSON.stringify(seen)).toMatch(/\[ce_secret_s[0-9a-f]{32}_[0-9a-f]{32}\]/);
    expect(JSON.stringify(seen)).not.toContain("marked");
  });
});
