import type * as sdk from "@anthropic-ai/claude-agent-sdk";
import type { Options, SDKMessage, SDKUserMessage } from "@anthropic-ai/claude-agent-sdk";

/** What a program imports: from the Agent SDK, or from the client. */
export type Api = Pick<typeof sdk, "query" | "tool" | "createSdkMcpServer">;

/** Writes down what the program sees, in the order it sees it. */
export type Log = (kind: string, value: unknown) => void;

/** A program, written for the Agent SDK. */
export interface Scenario {
  name: string;
  run(api: Api, log: Log): Promise<void>;
}

export const user = (text: string): SDKUserMessage => ({
  type: "user",
  message: { role: "user", content: text },
  parent_tool_use_id: null,
});

/** Reads a query to its end, however that is. */
export async function drain(
  messages: AsyncIterable<SDKMessage>,
  log: Log,
  onMessage: (message: SDKMessage) => void = () => {},
): Promise<void> {
  try {
    for await (const message of messages) {
      log("message", message);
      onMessage(message);
    }
    log("end", null);
  } catch (error) {
    const { name, message } = error as Error;
    log("throws", { name, message });
  }
}

export const scenario = (
  name: string,
  prompt: string,
  options: Options | ((log: Log, api: Api) => Options) = {},
): Scenario => ({
  name,
  run: async (api, log) => {
    const given = typeof options === "function" ? options(log, api) : options;
    await drain(api.query({ prompt, options: given }), log);
  },
});

export const BASH =
  '%say First.\n%tool Bash {"command":"echo one > one.txt; cat one.txt"}\n%say Last.';

export const asking =
  (answer: (input: Record<string, unknown>) => sdk.PermissionResult) =>
  (log: Log): Options => ({
    permissionMode: "default",
    canUseTool: async (name, input, { signal: _signal, requestId: _id, ...rest }) => {
      log("canUseTool", { name, input, rest });
      return answer(input);
    },
  });

export const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** Hands out prompts, each when the one before has its result. */
export class Prompts {
  readonly #waiting: SDKUserMessage[] = [];
  #wake: () => void = () => {};
  #closed = false;

  push(text: string): void {
    this.send(user(text));
  }

  send(message: SDKUserMessage): void {
    this.#waiting.push(message);
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SDKUserMessage> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) yield next;
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

export async function conversation(
  api: Api,
  log: Log,
  texts: string[],
  options: Options = {},
  between: (query: sdk.Query, turn: number) => Promise<void> = async () => {},
): Promise<void> {
  const prompts = new Prompts();
  const query = api.query({ prompt: prompts, options });
  const left = [...texts];
  prompts.push(left.shift()!);
  let turn = 0;
  await drain(query, log, (message) => {
    if (message.type !== "result") return;
    turn += 1;
    void between(query, turn).then(() => {
      const next = left.shift();
      if (next === undefined) prompts.close();
      else prompts.push(next);
    });
  });
}
