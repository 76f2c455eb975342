import { write, writeJson, type Context } from "../context.js";
import type { Message } from "./conversation.js";
import type { Flags } from "./flags.js";

/** How a run's messages are printed: `claude -p` has three ways. */
export interface Output {
  message(message: Message): Promise<void>;
  end(): Promise<void>;
}

export function outputOf({ outputFormat, verbose }: Flags, { stdout }: Context): Output {
  if (outputFormat === "stream-json") {
    return { message: (message) => writeJson(stdout, message), end: async () => {} };
  }
  const messages: Message[] = [];
  let last: Message | undefined;
  return {
    message: async (message) => {
      if (message.type === "result") last = message;
      if (verbose && outputFormat === "json") messages.push(message);
    },
    end: async () => {
      if (!last) return;
      if (outputFormat === "text") await write(stdout, `${textOf(last)}\n`);
      else await writeJson(stdout, verbose ? messages : last);
    },
  };
}

function textOf({ result, errors, subtype }: Message): string {
  if (typeof result === "string") return result;
  const reasons = Array.isArray(errors) ? errors.join("; ") : "";
  return `Error: ${reasons || subtype}`;
}
