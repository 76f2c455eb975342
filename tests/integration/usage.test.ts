import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { ClaudeEdge, type Session, type Usage, type UsageFigures } from "@claude-edge/client";
import { startLocal } from "@claude-edge/local";
import { expect, test } from "vitest";

import { TEMPLATE } from "../support/stack.js";
import { FORBIDDEN, outcome, useTokens } from "../support/tokens.js";
import { until } from "../support/wait.js";

const { edge, ask, mint } = useTokens();

/** What the Agent SDK says a session has used by the end of a turn. */
interface Sums {
  total_cost_usd: number;
  modelUsage: Record<string, Record<string, number>>;
}

interface Ended {
  usage: Usage | undefined;
  sums: Sums | undefined;
}

/** Sends a prompt and reads to the end; `interruptAt`: stopped once this has been said. */
async function run(session: Session, prompt: string, interruptAt?: string): Promise<Ended> {
  const turn = session.send(prompt);
  const ended: Ended = { usage: undefined, sums: undefined };
  let said = "";
  for await (const event of turn) {
    said += JSON.stringify(event);
    if (interruptAt && event.kind === "delta" && said.includes(interruptAt)) await turn.interrupt();
    if (event.kind === "message" && event.message.type === "result") {
      ended.sums = event.message as unknown as Sums;
    }
    if (event.kind === "turn") ended.usage = event.usage;
  }
  return ended;
}

const NONE = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
};

/** Costs as whole picodollars: the Agent SDK's are sums of floating point numbers. */
const pico = (dollars: number) => Math.round(dollars * 1e12);
const exact = ({ cost_usd, ...figures }: UsageFigures) => ({ ...figures, cost: pico(cost_usd) });

const ofSdk = (turns: number, of: Record<string, number>) => ({
  turns,
  input_tokens: of.inputTokens,
  output_tokens: of.outputTokens,
  cache_read_input_tokens: of.cacheReadInputTokens,
  cache_creation_input_tokens: of.cacheCreationInputTokens,
  cost: pico(of.costUSD!),
});

const permissionMode = "bypassPermissions";
const today = () => new Date().toISOString().slice(0, 10);
const agent = (model: string) =>
  `%cache 700 30\n%tool Agent ${JSON.stringify({
    description: "helps",
    prompt: "%cache 77 7\n%say Helped.",
    subagent_type: "general-purpose",
    model,
  })}\n%say Thanks.`;

test(
  "over many turns of every kind the sums are the Agent SDK's own",
  { timeout: 120_000 },
  async () => {
    const client = edge.client("sums");
    const session = await client.sessions.create({ permissionMode });
    const prompts = [
      "%say One.",
      "%cache 1234 567\n%tokens 333",
      agent("haiku"),
      agent("sonnet"),
      "%error 400",
      "%refuse",
      '%cache 1 2\n%tool Bash {"command":"true"}\n%cache 3 4\n%say Ran.',
      "%cut 1\n%say Again.",
      ...Array.from(
        { length: 12 },
        (_, index) => `%cache ${index * 1001} ${index}\n%tokens ${index * 7}`,
      ),
    ];
    const ended: Ended[] = [];
    for (const prompt of prompts) ended.push(await run(session, prompt));
    ended.push(await run(session, "%cache 5 6\n%tokens 20\n%wait 60000\n%say Never.", "word9"));
    ended.push(await run(session, "%say Last."));

    const turns = ended.length;
    expect(turns).toBe(22);
    const { total_cost_usd, modelUsage } = ended.at(-1)!.sums!;
    const models = Object.values(modelUsage);
    expect(models.length).toBe(3);
    const sum = (field: string) => models.reduce((total, of) => total + of[field]!, 0);
    const whole = Object.fromEntries(Object.keys(models[0]!).map((field) => [field, sum(field)]));
    expect(pico(whole.costUSD!)).toBe(pico(total_cost_usd));

    const byModel = await client.usage({ group: "model" });
    expect(byModel.account).toBe("sums");
    expect(exact(byModel.total)).toEqual(ofSdk(turns, whole));
    for (const { key, turns: used, ...figures } of byModel.groups!) {
      expect({ key, ...exact({ turns: used, ...figures }) }).toEqual({
        key,
        ...ofSdk(used, modelUsage[key]!),
      });
    }
    expect(byModel.groups!.map(({ turns: used }) => used)).toEqual([21, 1, 1]);

    // And those of the turns, one by one.
    const added = ended.reduce((total, { usage }) => total + pico(usage?.cost_usd ?? 0), 0);
    expect(added).toBe(pico(byModel.total.cost_usd));
    const bySession = await client.usage({ group: "session" });
    expect(bySession.groups).toEqual([{ key: session.id, ...byModel.total }]);
    const byDay = await client.usage({ group: "day", from: "2026-01-01" });
    expect(byDay.groups!.reduce((total, { turns: of }) => total + of, 0)).toBe(turns);
  },
);

test("what was used outlives its session, also one that is deleted in mid-turn", async () => {
  const client = edge.client("deleted");
  const kept = await client.sessions.create({ permissionMode });
  const [first, second] = [await client.sessions.create(), await client.sessions.create()];
  await run(kept, "%say Kept.");
  await run(first, "%tokens 30");
  const before = await client.usage({ group: "session" });
  expect(before.total.turns).toBe(2);
  await first.delete();
  expect(await client.usage({ group: "session" })).toEqual(before);

  const turn = second.send("%tokens 20\n%wait 60000");
  const ending = turn.result().catch((error: unknown) => error);
  const events = second.events()[Symbol.asyncIterator]();
  for (;;) {
    const { value } = await events.next();
    if (JSON.stringify(value).includes("word20")) break;
  }
  await second.delete();
  await ending;
  const ofSecond = () =>
    until("what it had used", async () => {
      const { groups = [] } = await client.usage({ group: "session" });
      return groups.find(({ key, output_tokens }) => key === second.id && output_tokens > 0);
    });
  expect(await ofSecond()).toMatchObject({ turns: 1, input_tokens: expect.any(Number) });
  expect((await client.usage()).total.turns).toBe(3);
});

test("a restart in mid-turn counts nothing twice, and nothing too little", async () => {
  const client = edge.client("restarted");
  const session = await client.sessions.create({ permissionMode });
  await run(session, "%cache 11 22\n%say Before.");
  const running = run(session, '%tokens 40\n%tool Bash {"command":"sleep 2.5"}\n%tokens 40');
  await until("it runs", async () => (await session.retrieve()).status === "running");
  await edge.stack.restartWorker();
  await running;
  const { sums } = await run(session, "%say After.");
  await edge.stack.restartWorker();
  const { total } = await client.usage();
  expect(exact(total)).toEqual(ofSdk(3, Object.values(sums!.modelUsage)[0]!));
});

test("an account that has used nothing, and a time in which nothing was used", async () => {
  const nothing = { turns: 0, ...NONE, cost_usd: 0 };
  expect(await edge.client("new").usage()).toEqual({ account: "new", total: nothing });
  const client = edge.client("time");
  await client.query("%say Now.");
  expect(await client.usage({ to: "2026-01-01", group: "day" })).toEqual({
    account: "time",
    to: "2026-01-01",
    total: nothing,
    group: "day",
    groups: [],
  });
  const day = today();
  expect((await client.usage({ from: "2000-01-01", to: day })).total.turns).toBe(1);
  expect((await client.usage({ from: "2999-12-31" })).total.turns).toBe(0);
});

test.each([
  "group=hour",
  "group=",
  "from=yesterday",
  "from=2026-02-30",
  "to=2026-13-01",
  "from=2026-1-1",
  "from=",
  "to=2026-11-01T00:00:00Z",
  "from=2026-11-02&to=2026-11-01",
])("%s is refused", async (query) => {
  const answer = await edge.fetch(`/v1/usage?${query}`);
  expect(await outcome(answer)).toMatchObject({ status: 400, code: "invalid_request" });
});

test("a token sees its own account's, if it may read sessions and all of them", async () => {
  await edge.client("mine").query("%say Mine.");
  const usage = async (options: Parameters<typeof mint>[0]) =>
    ask(await mint({ account: "mine", ...options }), "/v1/usage");
  for (const scopes of [["sessions:read"], ["admin"]] as const) {
    const answer = await usage({ scopes });
    expect(await answer.json()).toMatchObject({ account: "mine", total: { turns: 1 } });
  }
  expect(await outcome(await usage({ scopes: ["query", "sessions:write"] }))).toMatchObject(
    FORBIDDEN,
  );
  const sessionId = "6ff168f4-104f-4591-9476-c83ee836d8ac";
  expect(await outcome(await usage({ sessionId }))).toMatchObject(FORBIDDEN);
  const other = await ask(await mint({ account: "other" }), "/v1/usage", { account: "mine" });
  expect(await outcome(other)).toMatchObject(FORBIDDEN);
});

/** The version of an account's tables before there was one for usage, and what was there. */
const BEFORE_USAGE = 3;
const TABLES =
  /^(sessions|turns|events|transcripts|containers|spares|idempotency|account|requests|tokens|schema_version|sqlite_\w+|_cf_\w+)$/;

test(
  "an account from before there were sums gets those of its turns",
  { timeout: 90_000 },
  async () => {
    const persist = mkdtempSync(join(tmpdir(), "usage-"));
    const start = async () => {
      const stack = await startLocal({ project: TEMPLATE, model: "scripted", persist });
      const client = new ClaudeEdge({ baseURL: stack.url, token: stack.token, account: "old" });
      return { stack, client };
    };
    const old = await start();
    const session = await old.client.sessions.create();
    await run(session, "%cache 5 6\n%say Short.");
    // Its result does not fit one row.
    await run(session, "%bytes 2500000");
    await run(session, "%error 400");
    const before = await old.client.usage({ group: "model" });
    await old.stack.stop();

    const folder = join(persist, "state", "v3", "do", "my-agent-AccountDO");
    const files = readdirSync(folder).filter((name) => /^[0-9a-f]+\.sqlite$/.test(name));
    const dropped: string[] = [];
    for (const name of files) {
      const database = new DatabaseSync(join(folder, name));
      const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
      for (const { name: of } of tables as { name: string }[]) {
        if (TABLES.test(of)) continue;
        database.exec(`DROP TABLE ${of}`);
        dropped.push(of);
      }
      for (const column of ["transcript_end", "attachments"]) {
        database.exec(`ALTER TABLE turns DROP COLUMN ${column}`);
      }
      database.prepare("DELETE FROM schema_version WHERE version > ?").run(BEFORE_USAGE);
      database.close();
    }
    const again = await start();
    const after = await again.client.usage({ group: "model" });
    await again.stack.stop();
    rmSync(persist, { recursive: true, force: true });
    expect(dropped).toContain("usage");
    expect(before.total.turns).toBe(3);
    expect(before.total.cache_read_input_tokens).toBe(5);
    expect(after).toEqual(before);
  },
);
