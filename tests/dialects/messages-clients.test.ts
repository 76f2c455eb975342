import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createAnthropic } from "@ai-sdk/anthropic";
import { APICallError, generateText, isStepCount, streamText, tool } from "ai";
import { mintToken } from "@claude-edge/client/tokens";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

import { ask, failure, hasNoContainer } from "../support/anthropic.js";
import { run } from "../support/scaffold.js";
import { useStack } from "../support/stack.js";

const edge = useStack();
const ACCOUNT = "messages-clients";

/** What the clients have for a key. */
let key = "";
beforeAll(async () => {
  key = await mintToken({ rootKey: edge.stack.token, account: ACCOUNT });
});

describe("the AI SDK", () => {
  const model = () =>
    createAnthropic({ baseURL: `${edge.stack.url}/v1`, apiKey: key })("claude-haiku-4-5");
  const getTime = tool({
    description: "The time in a zone.",
    inputSchema: z.object({ zone: z.string() }),
    execute: ({ zone }) => `Noon in ${zone}.`,
  });

  test("generates text", async () => {
    const { text, finishReason, usage } = await generateText({
      model: model(),
      system: "Be brief.",
      prompt: "%say Hello from afar.",
    });
    expect(text).toBe("Hello from afar.");
    expect(finishReason).toBe("stop");
    expect(usage.outputTokens).toBe(3);
    expect(JSON.stringify((await edge.asked("Hello from afar.")).at(-1)!.body.system)).toContain(
      "Be brief.",
    );
  });

  test("streams text", async () => {
    const { textStream, finishReason } = streamText({ model: model(), prompt: "%tokens 30" });
    const pieces = [];
    for await (const piece of textStream) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join("").split(" ").at(-1)).toBe("word30");
    expect(await finishReason).toBe("stop");
  });

  test.each([false, true])("runs tools (streamed: %s)", async (streamed) => {
    const call = {
      model: model(),
      tools: { getTime },
      stopWhen: isStepCount(5),
      prompt: '%tool getTime {"zone":"UTC"}\n%say Noon it is.',
    };
    const result = streamed ? streamText(call) : await generateText(call);
    expect(await result.text).toBe("Noon it is.");
    const [first] = await result.steps;
    expect(first!.toolResults).toMatchObject([{ toolName: "getTime", output: "Noon in UTC." }]);
  });

  test.each([
    [400, false],
    [401, false],
    [404, false],
    [429, true],
    [529, true],
  ])("takes a %i for what it is", async (status, isRetryable) => {
    const call = { model: model(), prompt: `%error ${status}`, maxRetries: 0 };
    const error = await failure<APICallError>(generateText(call));
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ statusCode: status, isRetryable });
    const said = status === 401 ? "deployment's credential" : `scripted error ${status}`;
    expect(error.message).toContain(said);
  });

  test("asks once when the deployment's credential is refused", async () => {
    const prompt = "%error 401\n%say A refused credential.";
    await failure(generateText({ model: model(), prompt }));
    expect(await edge.asked("A refused credential.")).toHaveLength(1);
  });

  test("a stream that is cut is an error", async () => {
    const errors: unknown[] = [];
    const { fullStream } = streamText({
      model: model(),
      prompt: "%cut\n%tokens 40",
      maxRetries: 0,
      onError: ({ error }) => void errors.push(error),
    });
    // The SDK tells of it in the stream or by rejecting, depending on how much had arrived.
    const read = async () => {
      for await (const part of fullStream) if (part.type === "error") errors.push(part.error);
    };
    await read().catch((error: unknown) => errors.push(error));
    expect(errors[0]).toBeInstanceOf(Error);
  });
});

/** The program that comes with the Agent SDK. */
function claudeBinary(): string {
  const require = createRequire(import.meta.resolve("@anthropic-ai/claude-agent-sdk"));
  const name = `@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}`;
  return require.resolve(`${name}/claude`);
}

describe("the claude binary", () => {
  const home = mkdtempSync(join(tmpdir(), "claude-home-"));
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  const claude = async (variable: string, args: string[]) => {
    const env = {
      PATH: process.env.PATH!,
      HOME: home,
      ANTHROPIC_BASE_URL: edge.stack.url,
      [variable]: variable === "ANTHROPIC_API_KEY" ? key : edge.stack.token,
      CLAUDE_CODE_MAX_RETRIES: "0",
    };
    const { code, stdout, stderr } = await run(claudeBinary(), args, { cwd: home, env });
    const lines = stdout.split("\n").filter(Boolean);
    return { code, stderr, lines: lines.map((line) => JSON.parse(line) as Line) };
  };
  interface Line {
    type: string;
    result?: string;
    is_error?: boolean;
    [key: string]: unknown;
  }

  test("answers with the deployment's key as ANTHROPIC_AUTH_TOKEN", async () => {
    const args = ["-p", "%say Through the Worker.", "--output-format", "json"];
    const { code, lines } = await claude("ANTHROPIC_AUTH_TOKEN", args);
    expect(lines.at(-1)).toMatchObject({
      type: "result",
      is_error: false,
      result: "Through the Worker.",
    });
    expect(code).toBe(0);
  });

  test("runs a tool on its own machine, and streams, with a token as ANTHROPIC_API_KEY", async () => {
    const prompt = '%tool Bash {"command":"echo $((6*7))"}\n%say It is 42.';
    const args = ["-p", prompt, "--output-format", "stream-json", "--verbose"];
    args.push("--include-partial-messages", "--allowedTools", "Bash");
    const { code, lines } = await claude("ANTHROPIC_API_KEY", args);
    expect(code).toBe(0);
    expect(lines.at(-1)).toMatchObject({ type: "result", result: "It is 42.", num_turns: 2 });
    expect(lines.some(({ type }) => type === "stream_event")).toBe(true);
    const results = lines.filter(({ type }) => type === "user");
    expect(JSON.stringify(results)).toContain('"content":"42"');
  });

  test("a model error is its error, and not a word of a key in it", async () => {
    const args = ["-p", "%error 400", "--output-format", "json"];
    const { code, lines, stderr } = await claude("ANTHROPIC_API_KEY", args);
    expect(code).not.toBe(0);
    expect(lines.at(-1)).toMatchObject({ is_error: true, api_error_status: 400 });
    for (const secret of [key, edge.stack.token, edge.stack.model.key]) {
      expect(JSON.stringify(lines) + stderr).not.toContain(secret);
    }
  });
});

describe.skipIf(spawnSync("curl", ["--version"]).status !== 0)("curl", () => {
  const curl = async (...args: string[]) => {
    const env = { PATH: process.env.PATH! };
    const given = ["-sS", "-i", ...args];
    const { stdout } = await run("curl", given, { cwd: tmpdir(), env });
    const [head = "", ...body] = stdout.split("\r\n\r\n");
    return { head: head.toLowerCase(), body: body.join("\r\n\r\n") };
  };
  const post = (json: object, header = `x-api-key: ${key}`) => {
    const headers = [header, "content-type: application/json", "anthropic-version: 2023-06-01"];
    const flags = headers.flatMap((one) => ["-H", one]);
    return curl(`${edge.stack.url}/v1/messages`, ...flags, "-d", JSON.stringify(json));
  };

  test("posts a message", async () => {
    const { head, body } = await post(ask("%say Plainly."));
    expect(head).toMatch(/^http\/1\.1 200/);
    expect(JSON.parse(body)).toMatchObject({ content: [{ text: "Plainly." }] });
  });

  test("reads a stream as the API sends it", async () => {
    const { head, body } = await post(ask("%say One.", { stream: true }));
    expect(head).toContain("content-type: text/event-stream");
    expect(body).toMatch(/^event: message_start\ndata: \{/);
    expect(body).toMatch(/event: message_stop\ndata: \{"type":"message_stop"\}\n\n$/);
  });

  test.each([
    ["x-api-key: nobody"],
    ["x-api-key;"],
    ["authorization: Bearer nobody"],
    ["authorization: Basic nobody"],
    ["x-nothing: at all"],
  ])("is refused with %s, in the API's own words", async (header) => {
    const { head, body } = await post(ask("%say Never."), header);
    expect(head).toMatch(/^http\/1\.1 401/);
    expect(JSON.parse(body)).toMatchObject({
      type: "error",
      error: { type: "authentication_error" },
      request_id: expect.stringMatching(/^req_/),
    });
  });
});

// The last one: nothing of all this is a container's matter.
test("no container was started", async () => {
  expect(await hasNoContainer(edge, ACCOUNT)).toBe(true);
});
