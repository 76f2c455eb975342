import { expect, test } from "vitest";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const edge = useStack();

const pico = (dollars: number) => Math.round(dollars * 1e12);

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

test.each(MODELS)(
  "%s: what the gateway counts is what the Agent SDK does, to the picodollar",
  async (model) => {
    const client = edge.client();
    const used = async () => (await client.limits()).used;
    const before = await used();
    const session = await client.sessions.create({ model });
    await session.send("%cache 12345 678 90\n%tokens 321");
    await session.send("%cache 0 1001\n%say A prompt that is no multiple of anything.");
    // Above the length from which some models cost more.
    await session.send("%cache 150000 7\n%tokens 13");
    const { groups = [] } = await client.usage({ group: "session" });
    const { turns, cost_usd, ...counts } = groups.find(({ key }) => key === session.id)!;
    expect(turns).toBe(3);
    const tokens =
      counts.input_tokens +
      counts.output_tokens +
      counts.cache_read_input_tokens +
      counts.cache_creation_input_tokens;
    // It counts a call when its answer is over; the turn may have ended a moment before.
    const spent = await until("the last call is counted", async () => {
      const now = await used();
      return now.tokens_today - before.tokens_today === tokens && now.dollars_today;
    });
    expect(pico(spent) - pico(before.dollars_today)).toBe(pico(cost_usd));
    await session.delete();
  },
);
