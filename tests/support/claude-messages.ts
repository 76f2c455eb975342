import { expect } from "vitest";

import type { SharedTestStack } from "./stack.js";
import { until } from "./wait.js";

/** What the model was sent as messages in the newest request that holds a text, without what Claude Code adds. */
export async function saidIn(edge: SharedTestStack, of: string): Promise<unknown[]> {
  const isAdded = ({ text }: { text?: string }) =>
    /^<system-reminder>|^Continue from where|^\[Image: source/.test(text ?? "");
  const { body } = (await edge.asked(of)).at(-1)!;
  return body.messages.map(({ role, content }) => ({
    role,
    content: (typeof content === "string" ? [{ type: "text", text: content }] : content)
      .filter((block) => !isAdded(block))
      .map(({ cache_control: _mark, ...block }) => block)
      // A line break comes after the text beside an image.
      .map((block) =>
        block.text === undefined ? block : { ...block, text: block.text.trimEnd() },
      ),
  }));
}

/** Resolves when nothing of a request is left in the account's queue; it was the only one that held the text. */
export async function untilAnsweredOnce(
  edge: SharedTestStack,
  account: string,
  text: string,
): Promise<void> {
  await until("the session to be gone", async () => {
    const limits = await edge.fetch("/v1/limits", { account });
    const { used } = (await limits.json()) as { used: Record<string, number> };
    return used.running_turns === 0 && used.queued_turns === 0;
  });
  expect(await edge.asked(text)).toHaveLength(1);
}
