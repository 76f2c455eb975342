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

/** What names a session and is not its own: what it used, and what is remembered of other calls. */
const OTHERS = /^(usage|model_calls|metered|spares|idempotency|tokens)$/;

/** How many rows an account has of what belongs to sessions, by table. */
function rowsOf(account: string): Record<string, number> {
  const folder = join(persist, "state", "v3", "do", "my-agent-AccountDO");
  for (const file of readdirSync(folder).filter((name) => /^[0-9a-f]+\.sqlite$/.test(name))) {
    const database = new DatabaseSync(join(folder, file), { readOnly: true });
    try {
      const names = (query: string) =>
        (database.prepare(query).all() as { name: string }[]).map(({ name }) => name);
      if (!names("SELECT name FROM sqlite_master").includes("account")) continue;
      if (names("SELECT name FROM account")[0] !== account) continue;
      const tables = names("SELECT name FROM sqlite_master WHERE type = 'table'")
        .filter((table) => !OTHERS.test(table))
        .filter(
          (table) =>
            table === "sessions" ||
            names(`SELECT name FROM pragma_table_info('${table}')`).includes("session_id"),
        );
      const counts = tables.map((table): [string, number] => {
        const row = database.prepare(`SELECT count(*) AS count FROM ${table}`).get();
        return [table, (row as { count: number }).count];
      });
      return Object.fromEntries(counts.filter(([, count]) => count > 0));
    } finally {
      database.close();
    }
  }
  throw new Error(`there is no account ${account}`);
}

async function untilNothingIsLeft(account: string, ms?: number): Promise<void> {
  let left: unknown;
  await until(
    "nothing to be left",
    () => {
      try {
        left = rowsOf(account);
      } catch (error) {
        // For the moment in which it is opened or closed by its owner.
        if ((error as Error).message === "database is locked") return false;
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
    expect(rowsOf("neat")).toMatchObject({ sessions: 1, turns: 1, message_sessions: 1 });
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

test("what was used is counted", async () => {
  const client = await clientOf("counted");
  const { usage } = await client.messages.create(ask("%cache 900 100\n%say Counted."));
  await untilNothingIsLeft("counted");
  const report = await edge.fetch("/v1/usage", { account: "counted" });
  expect(await report.json()).toMatchObject({
    total: {
      turns: 1,
      input_tokens: usage.input_tokens,
      output_tokens: usage.output_tokens,
      cache_read_input_tokens: 900,
      cache_creation_input_tokens: 100,
    },
  });
});

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
  const stream = (await clientOf("unlucky")).messages.stream(
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
  await untilNothingIsLeft("unlucky");
  // The next request has another container.
  const next = await (await clientOf("unlucky")).messages.create(ask("%say Again."));
  expect(next.content).toMatchObject([{ text: "Again." }]);
  await untilNothingIsLeft("unlucky");
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
    const client = await clientOf("restarted");
    const prompt = `%say Restarting.\n${"%wait 20\n%say More.\n".repeat(100)}`;
    const stream = client.messages.stream(ask(prompt));
    stream.once("text", () => void edge.stack.restartWorker());
    expect(await failure(stream.finalMessage())).toBeInstanceOf(Error);
    // Somebody comes by; otherwise the account's alarm wakes it.
    expect(await sessionsOf("restarted")).toEqual([]);
    await untilNothingIsLeft("restarted", 60_000);
  },
);
