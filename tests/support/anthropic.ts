import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { z } from "zod";

import type { TestStack } from "./stack.js";

/** The official client, as somebody has it who knows nothing of us: told where to go, and by which key. */
export const anthropic = (edge: TestStack, apiKey: string = edge.stack.token): Anthropic =>
  new Anthropic({ baseURL: edge.stack.url, apiKey, maxRetries: 0 });

/** The same with the root key, for one account. */
export const anthropicOf = (edge: TestStack, account: string): Anthropic =>
  anthropic(edge).withOptions({ defaultHeaders: { "x-account-id": account } });

/** Whether an account has had no container, and no session. */
export async function hasNoContainer(edge: TestStack, account: string): Promise<boolean> {
  const get = async (path: string) => (await edge.fetch(path, { account })).json();
  const { container } = (await get("/v1/status")) as { container: { state: string } };
  const { sessions } = (await get("/v1/sessions")) as { sessions: unknown[] };
  return container.state === "asleep" && sessions.length === 0;
}

/** A request with one prompt. */
export const ask = (content: Anthropic.MessageParam["content"], rest: object = {}) => ({
  model: "claude-haiku-4-5",
  max_tokens: 1_000,
  messages: [{ role: "user" as const, content }],
  ...rest,
});

/** A tool that is told a zone. */
export const TIME_TOOL: Anthropic.Tool = {
  name: "get_time",
  description: "The time in a zone.",
  input_schema: { type: "object", properties: { zone: { type: "string" } }, required: ["zone"] },
};

/** The client's own tool runner, to its end: two calls at once, of which one fails, then a third. */
export async function runTimeTool(
  client: Anthropic,
  stream: boolean,
): Promise<{ message: { content: unknown[] }; zones: string[] }> {
  const zones: string[] = [];
  const getTime = betaZodTool({
    name: "get_time",
    description: "The time in a zone.",
    inputSchema: z.object({ zone: z.string() }),
    run: ({ zone }) => {
      zones.push(zone);
      if (zone === "Mars") throw new Error("No clocks there.");
      return `Noon in ${zone}.`;
    },
  });
  const prompt =
    '%tool get_time {"zone":"UTC"}\n%tool get_time {"zone":"Mars"}\n%say Now more.\n%tool get_time {"zone":"CET"}\n%say All asked.';
  const runner = client.beta.messages.toolRunner({ ...ask(prompt), tools: [getTime], stream });
  return { message: await runner.runUntilDone(), zones };
}

/** A picture of one pixel. */
export const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** What a promise was rejected with. */
export const failure = <Thrown = Error>(promise: PromiseLike<unknown>): Promise<Thrown> =>
  Promise.resolve(promise).then(
    () => {
      throw new Error("it did not fail");
    },
    (thrown: Thrown) => thrown,
  );
