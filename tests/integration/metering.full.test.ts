import { expect, test } from "vitest";

import { useOwnStack } from "../support/stack.js";
import { exact, ofSdk, pico, run, subagent, sumOf, type Ended } from "../support/usage.js";
import { until } from "../support/wait.js";

const edge = useOwnStack({
  vars: { CLAUDE_EDGE_HOLD: "1s" },
});

const permissionMode = "bypassPermissions";

/** One of each kind; the number makes every turn's figures differ. */
const kinds = (n: number): [prompt: string, interruptAt?: string][] => [
  [`%cache ${n * 1001} ${n * 17} ${n}\n%tokens ${n * 7}`],
  [subagent(n % 4 < 2 ? "haiku" : "sonnet")],
  [`%cache ${n} 2\n%tool Bash {"command":"true"}\n%cache 3 ${n}\n%say Ran.`],
  ["%error 400"],
  ["%error 529 1\n%say At the second try."],
  ["%refuse"],
  // The gateway notices with the next piece that nobody reads any more.
  [`%cache 5 ${n}\n%tokens 20\n%wait 1500\n%tokens 20\n%wait 100\n%say Never.`, "word9"],
  ["%cut 1\n%say Again."],
];

const ROUNDS = 8;
const ACCOUNTS = ["metered-1", "metered-2"];

test(
  "many turns with cache, subagents, errors and interrupts: the sums are exact",
  { timeout: 300_000 },
  async () => {
    await Promise.all(
      ACCOUNTS.map(async (account, place) => {
        const client = edge.client(account);
        const session = await client.sessions.create({ permissionMode });
        const ended: Ended[] = [];
        for (let round = place; round < ROUNDS; round += ACCOUNTS.length) {
          for (const [prompt, interruptAt] of kinds(round + 1)) {
            ended.push(await run(session, prompt, interruptAt));
          }
        }
        ended.push(await run(session, "%say Last."));
        const count = (status: string) => ended.filter((turn) => turn.status === status).length;
        expect([count("completed"), count("failed"), count("interrupted")]).toEqual([21, 8, 4]);

        const models = Object.values(ended.at(-1)!.sums!.modelUsage);
        expect(models.length).toBe(3);
        const { total } = await client.usage();
        expect(exact(total)).toEqual(ofSdk(33, sumOf(models)));
        const ofTurns = ended.reduce((all, { usage }) => all + pico(usage?.cost_usd ?? 0), 0);
        expect(ofTurns).toBe(pico(total.cost_usd));
        // The gateway counts more: what was said before an interrupt. Never less, or a budget would leak.
        const over = await until("it has noticed the last interrupt", async () => {
          const { used } = await client.limits();
          return pico(used.dollars_today) >= pico(total.cost_usd) && used.dollars_today;
        });
        expect(over / total.cost_usd).toBeLessThan(1.01);
      }),
    );
  },
);

const spentBy = async (account: string) => (await edge.client(account).limits()).used.tokens_today;

/** Usage when there is some of a session. */
const usedBy = (account: string, session: string) =>
  until("what it has used", async () => {
    const { groups = [] } = await edge.client(account).usage({ group: "session" });
    return groups.find(({ key, input_tokens }) => key === session && input_tokens > 0);
  });

const BEGUN = '%cache 33 44\n%tool Bash {"command":"true; sleep 60"}\n%say Never.';

test("a container that is killed in mid-turn takes no usage with it", async () => {
  const account = "killed";
  const client = edge.client(account);
  const session = await client.sessions.create({ permissionMode, onContainerLost: "fail" });
  await run(session, "%cache 1 2\n%say Before.");
  const before = await usedBy(account, session.id);
  const spent = await spentBy(account);
  const turn = session.send(BEGUN);
  const ended = turn.result().catch((error: { code: string }) => error.code);
  await until("the first call is over", async () => (await spentBy(account)) > spent);
  for (const { name } of edge.stack.containers()) await edge.stack.killContainer(name);
  expect(await ended).toBe("container_lost");
  const after = await usedBy(account, session.id);
  expect(after).toMatchObject({
    turns: 2,
    cache_read_input_tokens: before.cache_read_input_tokens + 33,
    cache_creation_input_tokens: before.cache_creation_input_tokens + 44,
  });
  expect(after.cost_usd).toBeGreaterThan(before.cost_usd);

  // What comes next is told by a result, and counted once.
  const { sums } = await run(session, "%cache 5 6\n%say After.");
  expect(sums).toBeDefined();
  const last = await usedBy(account, session.id);
  expect(last.cache_read_input_tokens).toBe(after.cache_read_input_tokens + 5);
});

test("a process that dies in mid-turn takes no usage with it, and the next one tells of its own alone", async () => {
  const account = "died";
  const client = edge.client(account);
  const session = await client.sessions.create({ permissionMode });
  await run(session, "%cache 1 2\n%say Before.");
  const turn = session.send('%cache 30 40\n%tool Bash {"command":"kill -9 $PPID"}\n%say Never.');
  expect(await turn.result().catch((error: { code: string }) => error.code)).toBe("agent_exited");
  const { total } = await client.usage();
  expect(total).toMatchObject({
    turns: 2,
    cache_read_input_tokens: 31,
    cache_creation_input_tokens: 42,
  });
  await run(session, "%cache 5 6\n%say After.");
  expect((await client.usage()).total).toMatchObject({
    turns: 3,
    cache_read_input_tokens: 36,
    cache_creation_input_tokens: 48,
  });
});

test("a turn that waits for an approval has used what it used, before and after", async () => {
  const client = edge.client("approved");
  const session = await client.sessions.create({ permissionMode: "default", canUseTool: true });
  const turn = session.send(
    '%cache 7 8\n%tool Bash {"command":"touch it"}\n%cache 9 10\n%say Done.',
  );
  const ending = turn.result();
  const request = await until("it waits", async () => {
    if ((await session.retrieve()).status !== "waiting") return undefined;
    return (await client.requests.list())[0];
  });
  const { total } = await client.usage();
  expect(total).toMatchObject({ cache_read_input_tokens: 7, cache_creation_input_tokens: 8 });
  await client.requests.answer(request.id, { behavior: "allow" });
  await ending;
  expect((await client.usage()).total).toMatchObject({
    turns: 1,
    cache_read_input_tokens: 16,
    cache_creation_input_tokens: 18,
  });
});

test("a session that is deleted in mid-turn has used what it used, once", async () => {
  const account = "deleted";
  const client = edge.client(account);
  const session = await client.sessions.create({ permissionMode });
  const turn = session.send(BEGUN);
  const ended = turn.result().catch((error: { code: string }) => error.code);
  await until("the first call is over", async () => (await spentBy(account)) > 0);
  await session.delete();
  expect(await ended).toBe("interrupted");
  // Its container's log is read up to here, so what the session said last has come too.
  expect((await client.query("%say Next.")).text).toBe("Next.");
  expect((await client.usage()).total).toMatchObject({
    turns: 2,
    cache_read_input_tokens: 33,
    cache_creation_input_tokens: 44,
  });
});
