import { TurnError, type AccountResource } from "@claude-edge/client";
import { expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { all, outcome, useTokens } from "../support/tokens.js";
import { until } from "../support/wait.js";

// Steps, restarts and failures of an erasure: packages/worker/src/account/lifecycle.test.ts.

const shared = useStack("r2");
const { edge, ask, mint } = useTokens(shared);

const accounts = () => edge.client().accounts;
async function listed(name: string): Promise<AccountResource | undefined> {
  for await (const account of accounts().list()) if (account.name === name) return account;
  return undefined;
}

test("an account is listed once it has anything, and erased with all of it", async () => {
  const name = "erased";
  const client = edge.client(name);
  const session = await client.sessions.create();
  const content = "x".repeat(2_000_000);
  await session.files.put("large.txt", content);
  const token = await mint({ account: name });
  expect(await outcome(await ask(token, "/v1/sessions"))).toEqual({ status: 200 });
  const account = await until("it is listed", () => listed(name));
  expect(account).toMatchObject({ status: "active", sessions: 1 });
  expect((await accounts().retrieve(name)).stored_bytes).toBeGreaterThan(content.length);

  const turn = session.send("%wait 60000\n%say Never.");
  const ended = turn.then(
    () => "completed",
    (error: unknown) => (error as TurnError).code,
  );
  await until("it runs", async () => (await session.retrieve()).status === "running");
  const left: AccountResource[] = [];
  await accounts().delete(name, { onProgress: (one) => left.push(one) });
  expect(left[0]).toMatchObject({ name, status: "erasing", sessions: 1 });
  expect(await ended).toBe("interrupted");

  await expect(accounts().retrieve(name)).rejects.toMatchObject({ code: "account_not_found" });
  await expect(accounts().delete(name)).rejects.toMatchObject({ code: "account_not_found" });
  expect(await listed(name)).toBeUndefined();
  expect(await outcome(await ask(token, "/v1/sessions"))).toMatchObject({ status: 401 });
  await until("its container is gone", async () => !(await shared.containerOf(session.id)));

  // The name starts from nothing, also with the id of a session that it had.
  expect((await client.usage()).total.turns).toBe(0);
  const again = await client.sessions.create({ id: session.id });
  expect(await all(again.files.list())).toEqual([]);
  expect(await all(again.events({ follow: false }))).toEqual([]);
  expect((await again.send("%say Anew.")).text).toBe("Anew.");
});

test("calls of an account that is being erased say so", async () => {
  const name = "refused";
  await edge.client(name).sessions.create();
  const answer = await edge.fetch(`/v1/accounts/${name}`, { method: "DELETE" });
  expect(answer.status).toBe(202);
  expect(await answer.json()).toMatchObject({ name, status: "erasing" });
  // It ends in another second than it began in.
  const refused = await edge.fetch("/v1/sessions", { account: name });
  expect(await outcome(refused)).toMatchObject({ status: 409, code: "account_erasing" });
  await accounts()
    .delete(name)
    .catch(() => {});
});

test("only the root key sees accounts", async () => {
  const token = await mint({ account: "seen", scopes: ["admin"] });
  for (const path of ["/v1/accounts", "/v1/accounts/seen"]) {
    expect(await outcome(await ask(token, path))).toMatchObject({ status: 403 });
  }
});
