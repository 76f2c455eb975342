import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { APIError } from "@anthropic-ai/sdk";
import { mintToken } from "@claude-edge/client/tokens";
import { afterAll, expect, test } from "vitest";

import { anthropic, ask, failure } from "../support/anthropic.js";
import { useCredential } from "../support/credential.js";
import { until } from "../support/wait.js";

const persist = mkdtempSync(join(tmpdir(), "messages-"));
afterAll(() => rmSync(persist, { recursive: true, force: true }));
const edge = useCredential("CLAUDE_CODE_OAUTH_TOKEN", { persist });

const clientOf = async (account: string) =>
  anthropic(edge, await mintToken({ rootKey: edge.stack.token, account }));

const asked = (text: string) =>
  edge.model.requests.filter((request) => request.text.includes(text));

/** Reads each database of a class of Durable Objects. */
function* databasesOf(name: string): Generator<(query: string) => Record<string, unknown>[]> {
  const folder = join(persist, "state", "v3", "do", `my-agent-${name}`);
  for (const file of readdirSync(folder).filter((path) => /^[0-9a-f]{64}\.sqlite$/.test(path))) {
    const database = new DatabaseSync(join(folder, file), { readOnly: true });
    try {
      yield (query) => database.prepare(query).all();
    } finally {
      database.close();
    }
  }
}

const TABLES =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'";

/** The account's tables in which an ephemeral session has rows only while it exists. */
const OF_SESSIONS = ["turns", "requests", "inbox", "budget_leases", "token_readers"];

/** How many rows there are of an account's sessions, by table: in their own objects, and in accounts of unlisted ones. */
function rowsOf(account: string): Record<string, number> {
  const counts: Record<string, number> = {};
  const count = (table: string, rows: number) => {
    if (rows > 0) counts[table] = (counts[table] ?? 0) + rows;
  };
  for (const rows of databasesOf("SessionDO")) {
    const tables = rows(TABLES).map(({ name }) => String(name));
    if (!tables.includes("session") || rows("SELECT account FROM session")[0]?.account !== account)
      continue;
    for (const table of tables)
      count(table, Number(rows(`SELECT count(*) AS n FROM ${table}`)[0]!.n));
  }
  for (const rows of databasesOf("AccountDO")) {
    for (const table of OF_SESSIONS) {
      const query = `SELECT count(*) AS n FROM ${table} WHERE session_id NOT IN (SELECT id FROM sessions)`;
      count(`${table} of the account`, Number(rows(query)[0]!.n));
    }
  }
  return counts;
}

async function untilNothingIsLeft(account: string, ms?: number): Promise<void> {
  let left: unknown;
  await until(
    "nothing to be left",
    () => {
      try {
        left = rowsOf(account);
      } catch (error) {
        // For the moment in which its owner opens, closes or clears it: locked, no such table, a disk I/O error.
        if ((error as NodeJS.ErrnoException).code === "ERR_SQLITE_ERROR") return false;
        throw error;
      }
      return Object.keys(left as object).length === 0;
    },
    ms,
  ).catch((error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify(left)}`);
  });
}

/** A long answer, of which every word is written apart. */
const slowly = (word: string) => `%say ${word}.\n${"%wait 20\n%say More.\n".repeat(1_000)}`;

test("an answer leaves nothing behind but its count", async () => {
  const client = await clientOf("neat");
  const call = { type: "tool_use" as const, id: "toolu_1", name: "t", input: {} };
  const messages = [
    { role: "user" as const, content: "Secret history." },
    { role: "assistant" as const, content: [call] },
    {
      role: "user" as const,
      content: [{ type: "tool_result" as const, tool_use_id: "toolu_1", content: "Secret." }],
    },
    { role: "assistant" as const, content: "Yes." },
    { role: "user" as const, content: "%say While it runs.\n%wait 500\n%say Done." },
  ];
  const stream = client.messages.stream({ ...ask(""), messages });
  for await (const event of stream) {
    if (event.type !== "content_block_delta") continue;
    // It is there now, and in no list.
    expect(rowsOf("neat")).toMatchObject({ session: 1, turns: 1, message: 1 });
    expect(rowsOf("neat").transcripts).toBeGreaterThan(0);
    expect(await sessionsOf("neat")).toEqual([]);
    break;
  }
  const whole = await client.messages.create({ ...ask(""), messages });
  expect(whole.content.length).toBeGreaterThan(0);
  await untilNothingIsLeft("neat");
  // Nor on the container's disk.
  await until("the container to have forgotten", () => {
    const files = readdirSync(join(persist, "disks"), { recursive: true }).map(String);
    return !files.some((file) => file.endsWith("main.jsonl"));
  });
});

async function sessionsOf(account: string): Promise<unknown[]> {
  const answer = await edge.fetch("/v1/sessions", { account });
  return ((await answer.json()) as { sessions: unknown[] }).sessions;
}

test("accounts are apart, and an account's requests are answered in order", async () => {
  const [ada, grace] = [await clientOf("ada"), await clientOf("grace")];
  const answers = await Promise.all(
    [ada, grace, ada].map((client, place) => client.messages.create(ask(`%say Number ${place}.`))),
  );
  expect(answers.map(({ content }) => content)).toMatchObject(
    [0, 1, 2].map((place) => [{ text: `Number ${place}.` }]),
  );
  for (const account of ["ada", "grace"]) {
    await untilNothingIsLeft(account);
    const usage = await edge.fetch("/v1/usage", { account });
    expect(await usage.json()).toMatchObject({ total: { turns: account === "ada" ? 2 : 1 } });
  }
});

test("sessions of the agent's go on beside it", async () => {
  const session = await edge.client("ada").sessions.create();
  await session.send("%say Mine.");
  await (await clientOf("ada")).messages.create(ask("%say Another's."));
  expect(await sessionsOf("ada")).toMatchObject([{ id: session.id }]);
  expect((await session.send("%say Still mine.")).text).toBe("Still mine.");
  await edge.fetch(`/v1/sessions/${session.id}`, { method: "DELETE", account: "ada" });
  await untilNothingIsLeft("ada");
});

test("whoever leaves in mid-stream stops the model, and all of it goes", async () => {
  const stream = (await clientOf("leaver")).messages.stream(
    ask(slowly("Leaving"), { max_tokens: 5_000 }),
  );
  stream.on("text", () => stream.abort());
  await expect(stream.finalMessage()).rejects.toThrow("aborted");
  const [request] = asked("Leaving.");
  await until("the model's connection to end", () => request!.left);
  await untilNothingIsLeft("leaver");
});

test("a container that is killed in mid-answer is an error in mid-stream", async () => {
  const stream = (await clientOf("leaver")).messages.stream(
    ask(slowly("Killing"), { max_tokens: 5_000 }),
  );
  let isKilled = false;
  stream.on("text", () => {
    if (isKilled) return;
    isKilled = true;
    for (const { name } of edge.stack.containers()) void edge.stack.killContainer(name);
  });
  const error = await failure<APIError>(stream.finalMessage());
  expect(error).toBeInstanceOf(APIError);
  expect(error.message).toContain("container");
  await untilNothingIsLeft("leaver");
  // The next request has another container.
  const next = await (await clientOf("leaver")).messages.create(ask("%say Again."));
  expect(next.content).toMatchObject([{ text: "Again." }]);
  await untilNothingIsLeft("leaver");
});

test("a token that is revoked in mid-answer reads no more of it", async () => {
  const made = await edge.fetch("/v1/tokens", { json: { scopes: ["query"] }, account: "leaver" });
  const { id, token } = (await made.json()) as { id: string; token: string };
  const stream = anthropic(edge, token).messages.stream(
    ask(slowly("Revoking"), { max_tokens: 5_000 }),
  );
  stream.once("text", () => {
    void edge.fetch(`/v1/tokens/${id}`, { method: "DELETE", account: "leaver" });
  });
  await expect(stream.finalMessage()).rejects.toBeInstanceOf(APIError);
  await untilNothingIsLeft("leaver");
});

test(
  "a restart of the deployment in mid-answer leaves nothing either",
  { timeout: 90_000 },
  async () => {
    const client = await clientOf("leaver");
    const prompt = `%say Restarting.\n${"%wait 20\n%say More.\n".repeat(400)}`;
    const stream = client.messages.stream(ask(prompt));
    stream.once("text", () => void edge.stack.restartWorker());
    expect(await failure(stream.finalMessage())).toBeInstanceOf(Error);
    // Somebody comes by; otherwise the account's alarm wakes it.
    expect(await sessionsOf("leaver")).toEqual([]);
    await untilNothingIsLeft("leaver", 60_000);
  },
);
