import type { AuditEntry } from "@claude-edge/client";
import { expect, it } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const edge = useStack();

const read = async (account: string, after = 0): Promise<AuditEntry[]> => {
  const entries: AuditEntry[] = [];
  for await (const entry of edge.client(account).audit({ after })) entries.push(entry);
  return entries;
};

it("tells who answered, allowed, changed and deleted, by their tokens and requests, and no value", async () => {
  const account = "audit";
  const operator = edge.client(account);
  const { id, token } = await operator.tokens.create({ scopes: ["admin"], name: "Ada" });
  const ada = edge.client(undefined, { token });
  await ada.secrets.set("API_KEY", { value: "a-value-of-nobody", hosts: ["api.example.com"] });
  const hook = await ada.webhooks.create({ url: "https://example.com/hook-with-a-password" });
  await ada.webhooks.rotate(hook.id);
  await ada.webhooks.delete(hook.id);
  await operator.updateLimits({ maxConcurrentTurns: 3 });
  await operator.setNetwork({ type: "limited", unknown_hosts: "ask" });
  const session = await ada.sessions.create({ permissionMode: "default", canUseTool: true });
  const turn = session.send('%tool Bash {"command":"touch x"}\n%say Done.').result();
  const asked = await until("a request", async () => (await ada.requests.list())[0]);
  await ada.requests.answer(asked.id, { behavior: "allow" });
  await turn;
  await session.update({ expiresIn: 3_600 });
  await (await session.export()).cancel();
  const deleted = await edge.fetch(`/v1/sessions/${session.id}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${token}` },
  });
  const entries = await until("the deletion", async () => {
    const found = await read(account);
    return found.some(({ action }) => action === "session.deleted") && found;
  });
  const adas = { type: "token", id };
  expect(entries.map(({ action, actor }) => [action, actor])).toEqual([
    ["token.created", { type: "root_key" }],
    ["secret.set", adas],
    ["webhook.created", adas],
    ["webhook.rotated", adas],
    ["webhook.deleted", adas],
    ["limits.changed", { type: "root_key" }],
    ["network.changed", { type: "root_key" }],
    ["request.answered", adas],
    ["session.changed", adas],
    ["session.exported", adas],
    ["session.deleted", adas],
  ]);
  expect(entries.every(({ request_id }) => /^req_[0-9a-f]{32}$/.test(request_id ?? ""))).toBe(true);
  expect(entries.at(-1)).toMatchObject({
    target: session.id,
    request_id: deleted.headers.get("x-request-id"),
  });
  expect(entries.find(({ action }) => action === "request.answered")).toMatchObject({
    target: asked.id,
    session_id: session.id,
    details: { kind: "permission", behavior: "allow" },
  });
  const text = JSON.stringify(entries);
  for (const value of ["a-value-of-nobody", "password", hook.secret, token, "touch x"]) {
    expect(text).not.toContain(value);
  }
  expect(await read(account, entries.at(-2)!.seq)).toEqual(entries.slice(-1));
});

it("comes page by page, as NDJSON with a length", async () => {
  const account = "audit-pages";
  for (let max = 1; max <= 5; max += 1) {
    await edge.client(account).updateLimits({ maxSessions: max });
  }
  const answer = await edge.fetch("/v1/audit?limit=2", { account });
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  const text = await answer.text();
  expect(answer.headers.get("content-length")).toBe(String(text.length));
  const page = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as AuditEntry);
  expect(page.map(({ details }) => details)).toEqual([{ max_sessions: 1 }, { max_sessions: 2 }]);
  const rest = await read(account, page[1]!.seq);
  expect(rest.map(({ details }) => details?.max_sessions)).toEqual([3, 4, 5]);
  const some: AuditEntry[] = [];
  for await (const entry of edge.client(account).audit({ limit: 3 })) some.push(entry);
  expect(some).toHaveLength(3);
  for (const query of ["after=x", "limit=0", "limit=1001"]) {
    const refused = await edge.fetch(`/v1/audit?${query}`, { account });
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { error: { code: "invalid_request" } },
    ]);
  }
});
