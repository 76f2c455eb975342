import { setTimeout as sleep } from "node:timers/promises";

import type { Context } from "../context.js";

/** Time for what was typed before a prompt to be delivered, milliseconds. */
const TYPE_AHEAD_MS = 50;

type Clack = typeof import("@clack/prompts");

/** What a prompt is given: the library, and its settings. */
export interface Terminal {
  clack: Clack;
  input: Context["stdin"];
  output: Context["stderr"];
  signal: AbortSignal;
}

/** Somebody sits at a terminal who can be asked: the questions are on standard error, the answers on standard input. */
export function canAsk({ stdin, stderr }: Context): boolean {
  return Boolean(stdin.isTTY && stderr.isTTY && stdin.readable);
}

/** Runs prompts in the terminal. Nothing when the signal aborts, or Ctrl-C was pressed before the first. */
export async function inTerminal<Answer>(
  { stdin, stderr }: Context,
  signal: AbortSignal,
  work: (terminal: Terminal) => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  // 60 kB that most runs of the program have no use for.
  const clack = await import("@clack/prompts");
  // Without it Ctrl-D closes the input under the prompt, which then waits for ever.
  clack.updateSettings({ aliases: { "\u0004": "cancel" } });
  // A prompt goes on listening to its signal when it is over, and would take the terminal away from the next one.
  const prompt = new AbortController();
  const withdraw = () => prompt.abort();
  signal.addEventListener("abort", withdraw, { once: true });
  try {
    if ((await dropTypeAhead(stdin)) || signal.aborted) return undefined;
    return await work({ clack, input: stdin, output: stderr, signal: prompt.signal });
  } finally {
    signal.removeEventListener("abort", withdraw);
  }
}

/** Asks whether to go on, in the terminal; Enter alone is a no. Nothing when whoever is asked gives up (Ctrl-C, Ctrl-D, Escape). */
export const confirm = (message: string, context: Context): Promise<boolean | undefined> =>
  inTerminal(context, context.signal, async ({ clack, ...terminal }) => {
    const isSure = await clack.confirm({ ...terminal, message, initialValue: false });
    return clack.isCancel(isSure) ? undefined : isSure;
  });

/** Lets choose one of a list, whose `value` it gives; nothing as with {@link confirm}. */
export const choose = (
  message: string,
  options: { value: string; label: string; hint?: string }[],
  context: Context,
  signal: AbortSignal,
): Promise<string | undefined> =>
  inTerminal(context, signal, async ({ clack, ...terminal }) => {
    const chosen = await clack.select<string>({ ...terminal, message, options });
    return clack.isCancel(chosen) ? undefined : chosen;
  });

/**
 * Drops what was typed before the prompt is on the screen: it was meant for something else, and must choose nothing.
 * True when a Ctrl-C was among it.
 */
async function dropTypeAhead(stdin: Context["stdin"]): Promise<boolean> {
  let isGivenUp = false;
  const onData = (data: Buffer | string) => {
    if (data.includes("\u0003")) isGivenUp = true;
  };
  stdin.setRawMode?.(true);
  // It stands still where a prompt was before.
  stdin.on("data", onData).resume();
  await sleep(TYPE_AHEAD_MS);
  stdin.off("data", onData);
  stdin.pause();
  stdin.setRawMode?.(false);
  return isGivenUp;
}
