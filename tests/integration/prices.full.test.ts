import type { Session } from "@claude-edge/client";
import { beforeAll, expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { pico, run } from "../support/usage.js";
import { until } from "../support/wait.js";

const edge = useStack();

/** Every model that the pinned Agent SDK has a price for, an alias, and names that nobody knows. */
const MODELS = [
  "claude-3-5-haiku-20241022",
  "claude-haiku-4-5-20251001",
  "claude-haiku-5-5",
  "claude-3-5-sonnet-20241022",
  "claude-3-7-sonnet-20250219",
  "claude-sonnet-4-20250514",
  "claude-sonnet-4-5-20250929",
  "claude-sonnet-4-6",
  "claude-sonnet-5",
  "claude-sonnet-5-5",
  "claude-opus-4-20250514",
  "claude-opus-4-1-20250805",
  "claude-opus-4-5-20251101",
  "claude-opus-4-6",
  "claude-opus-4-7",
  "claude-opus-4-8",
  "claude-opus-5",
  "claude-opus-5-5",
  "claude-fable-5",
  "claude-fable-5-1",
  "claude-fable-5-2",
  "claude-mythos-5",
  "claude-mythos-5-1",
  "claude-mythos-5-2",
  "haiku",
  "litellm/gpt-x",
];

/** Three calls: two that are no multiple of anything, and one above the length from which some models cost more. */
const PROMPT = [
  "%cache 12345 678 90",
  "%tokens 97",
  '%tool Read {"file_path":"/none"}',
  "%cache 0 1001",
  "%say Some words.",
  '%tool Read {"file_path":"/none"}',
  "%cache 110000 7",
  "%tokens 13",
].join("\n");

const used = async () => (await edge.client("prices").limits()).used;

let session: Session;
beforeAll(async () => {
  session = await edge.client("prices").sessions.create({ permissionMode: "bypassPermissions" });
});

/** Claude Code may ask a model once before it takes it: a call that no result tells of. */
async function change(model: string): Promise<void> {
  const calls = async () => {
    const asked = await edge.asked(`"model":"${model}"`);
    return asked.filter((seen) => JSON.stringify(seen).includes(session.id)).length;
  };
  const [asked, { tokens_today: before }] = [await calls(), await used()];
  await session.control("setModel", [model]);
  if ((await calls()) === asked) return;
  await until("that is counted", async () => (await used()).tokens_today > before);
}

// One session for all of them: its model is changed between turns.
test.each(MODELS)(
  "%s: what the gateway counts is what the Agent SDK does, to the picodollar",
  async (model) => {
    await change(model);
    const before = await used();
    const { usage } = await run(session, PROMPT);
    const { cost_usd, models, ...counts } = usage!;
    expect(Object.keys(models)).toHaveLength(1);
    expect(counts.cache_read_input_tokens).toBe(122_345);
    const tokens = Object.values(counts).reduce<number>((sum, count) => sum + Number(count), 0);
    // It counts a call when its answer is over; the turn may have ended a moment before.
    const spent = await until("the last call is counted", async () => {
      const now = await used();
      return now.tokens_today - before.tokens_today >= tokens && now;
    });
    expect(spent.tokens_today - before.tokens_today).toBe(tokens);
    expect(pico(spent.dollars_today) - pico(before.dollars_today)).toBe(pico(cost_usd));
  },
);
