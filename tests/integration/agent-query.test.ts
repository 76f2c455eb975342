import { randomUUID } from "node:crypto";

import { query, type ClaudeEdgeError, type Session } from "@claude-edge/client";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const ACCOUNT = "agent-query";

const stack = useStack();

const connection = () => ({
  baseURL: stack.stack.url,
  token: stack.stack.token,
  account: ACCOUNT,
});

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error: ClaudeEdgeError) => error.code,
  );
}

/** What the model was asked last in a session. */
const lastAsked = async (session: string) => (await stack.asked(session)).at(-1)!.body;

/** One session for most tests, begun by a query. */
let session: Session;
// Programs pass what the Agent SDK ignores, and empty values.
const options = {
  systemPrompt: "You are one.",
  __wrapper: true,
  extraArgs: {},
  env: {},
  model: "",
  maxTurns: 0,
  title: "",
  sessionId: "",
};
/** What it is given later. */
const second = {
  systemPrompt: { type: "custom" as const, prompt: "You are two.", snapshot: false },
  disallowedTools: ["Bash"],
};

beforeAll(async () => {
  for await (const { session_id } of query({ prompt: "%say One.", options, edge: connection() })) {
    if (session_id) session = stack.client(ACCOUNT).sessions.open(session_id);
  }
});

describe("query(), as the Agent SDK has it", () => {
  it("refuses at once what cannot go over the network, with the reason", () => {
    const refused = (wrong: object) => () =>
      query({ prompt: "hi", options: wrong, edge: connection() });
    expect(refused({ env: { FAL_KEY: "x" } })).toThrow(
      expect.objectContaining({ code: "option_refused" }),
    );
    expect(refused({ extraArgs: { bare: null } })).toThrow(/^extraArgs: raw arguments/);
    expect(refused({ agents: { a: { prompt: () => "x" } } })).toThrow(
      /agents.prompt: a function cannot travel/,
    );
    expect(refused({ persistSession: false, resume: "x" })).toThrow(/forkSession: true/);
  });

  it("tells of a deployment that does not answer, and of an option the deployment refuses", async () => {
    const away = query({
      prompt: "hi",
      edge: { ...connection(), baseURL: "http://127.0.0.1:9", maxRetries: 0 },
    });
    expect(await codeOf(away.next())).toBe("connection_failed");
    const odd = query({ prompt: "hi", options: { maxTurns: -1 }, edge: connection() });
    expect(await codeOf(odd.next())).toBe("invalid_request");
  });

  it.each(["11111111-1111-4111-8111-111111111111", "..", "a/../b"])(
    "tells in Claude Code's words, which programs match, that there is no session %s",
    async (resume) => {
      await expect(
        query({ prompt: "hi", options: { resume }, edge: connection() }).next(),
      ).rejects.toMatchObject({
        code: "session_not_found",
        message: `No conversation found with session ID: ${resume}`,
      });
    },
  );

  it("has a prompt of blanks answered", async () => {
    const answers: unknown[] = [];
    const resumed = { ...options, resume: session.id };
    for await (const message of query({ prompt: " \n", options: resumed, edge: connection() })) {
      if (message.type === "result") answers.push(message);
    }
    expect(answers).toMatchObject([{ subtype: "success", is_error: false }]);
  });

  it("stops the turn when it is left", async () => {
    const resumed = { ...options, resume: session.id };
    const prompt = "%say One.\n%wait 60000\n%say Two.";
    for await (const { type } of query({ prompt, options: resumed, edge: connection() })) {
      if (type === "system") break;
    }
    const stopped = await until("the turn has ended", async () => {
      const now = await session.retrieve();
      return now.status === "idle" && now;
    });
    expect(stopped.status).toBe("idle");
  });

  it("that is over is not stopped by its controller any more, and stops nothing of another", async () => {
    const abortController = new AbortController();
    const resumed = { ...options, resume: session.id, abortController };
    for await (const _message of query({
      prompt: "%say One.",
      options: resumed,
      edge: connection(),
    }));
    const mark = randomUUID();
    const next = session.send(`%say Two.\n%wait 200\n%say ${mark}`).result();
    await until("the model is asked", async () => (await stack.asked(mark)).length > 0);
    abortController.abort();
    expect((await next).text).toContain(mark);
  });

  it("interrupted goes on with the prompt behind", async () => {
    const texts: string[] = [];
    const say = (content: string) => ({
      type: "user" as const,
      message: { role: "user" as const, content },
      parent_tool_use_id: null,
    });
    const mark = randomUUID();
    const prompt = (async function* () {
      yield say(`%say ${mark}\n%wait 60000`);
      yield say("%say Second.");
    })();
    const resumed = { ...options, resume: session.id };
    const conversation = query({ prompt, options: resumed, edge: connection() });
    const interrupted = until(
      "the model is asked",
      async () => (await stack.asked(mark)).length > 0,
    ).then(() => conversation.interrupt());
    for await (const message of conversation) {
      if (message.type === "result" && message.subtype === "success") texts.push(message.result);
    }
    await interrupted;
    expect(texts).toEqual(["Second."]);
  });

  it("gives prompts back by the uuid that they were given, and the session's states, to a caller that asks for both", async () => {
    const uuid = randomUUID();
    const seen = async () => {
      const prompt = (async function* () {
        const message = { role: "user" as const, content: "%say Mine." };
        for (let times = 0; times < 2; times += 1) {
          yield { type: "user" as const, message, parent_tool_use_id: null, uuid };
        }
      })();
      const asking = {
        extraArgs: { "replay-user-messages": null },
        env: { CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: "1" },
      };
      const resumed = { ...second, ...asking, resume: session.id };
      const messages: object[] = [];
      for await (const message of query({ prompt, options: resumed, edge: connection() })) {
        messages.push(message);
      }
      return messages;
    };
    const mine = { type: "result", result: "Mine." };
    // Twice in a query it is one prompt. One whose uuid another query has used runs all the same.
    const [first, again] = [await seen(), await seen()];
    const named = [
      { type: "command_lifecycle", state: "started", command_uuid: uuid },
      { type: "user", isReplay: true, uuid },
      { type: "assistant", user_message_uuid: uuid },
      { ...mine, user_message_uuid: uuid },
      { type: "system", subtype: "session_state_changed", state: "running" },
    ];
    for (const message of named) expect(first).toContainEqual(expect.objectContaining(message));
    for (const messages of [first, again]) {
      expect(messages.filter((message) => "result" in message)).toMatchObject([mine]);
      expect(messages.at(-1)).toMatchObject({ subtype: "session_state_changed", state: "idle" });
    }
  });

  it("gives a resumed session the options of the new query: from there on another process has them", async () => {
    const resumed = { ...second, resume: session.id };
    for await (const _message of query({
      prompt: "%say Two.",
      options: resumed,
      edge: connection(),
    }));
    const { options: kept } = await session.retrieve();
    expect(kept.systemPrompt).toMatchObject({ prompt: "You are two." });
    const asked = await lastAsked(session.id);
    expect(JSON.stringify(asked.system)).toContain("You are two.");
    expect(asked.tools!.map(({ name }) => name)).not.toContain("Bash");
    expect(JSON.stringify(asked.messages)).toContain("%say One.");
  });
});

describe("a session's options", () => {
  it("are replaced for the turns to come", async () => {
    const model = "claude-sonnet-5-5";
    await session.update({ options: { ...second, model } });
    expect((await session.send("%say Three.")).model).toBe(model);
    expect((await session.retrieve()).options).toEqual({ ...second, model });
    expect(JSON.stringify((await lastAsked(session.id)).messages)).toContain("%say One.");
  });

  it("that are too large for a row are refused", async () => {
    const agents = { a: { description: "x", prompt: "x".repeat(700_000) } };
    const created = stack.client(ACCOUNT).sessions.create({ agents });
    expect(await codeOf(created)).toBe("invalid_request");
  });
});

describe("control", () => {
  it("calls the Agent SDK's methods, and keeps model and mode", async () => {
    expect(await session.control("supportedModels")).toEqual(
      expect.arrayContaining([expect.objectContaining({ value: expect.any(String) })]),
    );
    await session.control("setModel", ["claude-haiku-4-5"]);
    await session.control("setPermissionMode", ["dontAsk"]);
    expect((await session.send("%say One.")).model).toBe("claude-haiku-4-5");
    expect((await session.retrieve()).options).toMatchObject({
      model: "claude-haiku-4-5",
      permissionMode: "dontAsk",
    });
  });

  it("says what the agent made of it, and refuses what is no method", async () => {
    expect(await codeOf(session.control("toggleMcpServer", ["none", true]))).toBe("control_failed");
    expect(await codeOf(session.control("constructor" as never))).toBe("invalid_request");
    const none = stack.client(ACCOUNT).sessions.open(crypto.randomUUID());
    expect(await codeOf(none.control("supportedModels"))).toBe("session_not_found");
  });
});

/** Has the agent say which span its process continues. */
const SPAN = '%tool Bash {"command":"echo span [$TRACEPARENT]"}';

describe("structured output", () => {
  const person = z.object({
    name: z.string(),
    born: z.string().transform((year) => Number(year)),
    n: z
      .number()
      .refine((n) => n % 2 === 0, "must be even")
      .optional(),
  });
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  let asked: Session<z.output<typeof person>>;

  beforeAll(async () => {
    const edge = stack.client(ACCOUNT);
    asked = await edge.sessions.create({ output: person, allowedTools: ["Bash"] });
  });

  it("is a value of its schema, transformed as that says; its process continues the caller's span", async () => {
    const prompt = `${SPAN}\n%say Now.\n%tool StructuredOutput {"name":"Ada","born":"1815"}`;
    const { output } = await asked.send(prompt, { traceparent });
    const { name, born }: { name: string; born: number } = output;
    expect({ name, born }).toEqual({ name: "Ada", born: 1815 });
    expect(JSON.stringify((await lastAsked(asked.id)).messages)).toContain(`span [${traceparent}]`);
  });

  it("is never undefined: an error with what the model said last", async () => {
    await expect(asked.send("%say I would rather talk.").result()).rejects.toMatchObject({
      code: "output_invalid",
      details: { last_text: "Done." },
    });
    const wrong = Array.from(
      { length: 12 },
      () => '%tool StructuredOutput {"name":1}\n%say I tried.',
    );
    await expect(asked.send(wrong.join("\n")).result()).rejects.toMatchObject({
      code: "output_invalid",
      details: { last_text: "I tried." },
    });
  });

  it("that fits the JSON schema and not the schema itself is an error too", async () => {
    const turn = asked.send('%tool StructuredOutput {"name":"Ada","born":"1815","n":3}');
    await expect(turn.result()).rejects.toMatchObject({
      code: "output_invalid",
      message: expect.stringContaining("must be even"),
      details: { output: { n: 3 } },
    });
  });

  it("of a schema that has no JSON form is refused before anything is sent", () => {
    const schema = {
      "~standard": { version: 1, vendor: "own", validate: (value: unknown) => ({ value }) },
    };
    const ask = () => stack.client(ACCOUNT).query("hi", { output: schema });
    expect(ask).toThrow(/own does not say its JSON schema/);
  });
});

describe("usage", () => {
  it("is each turn's own, subagents included, and adds up to the Agent SDK's sums", async () => {
    const measured = await stack.client(ACCOUNT).sessions.create({
      agents: { helper: { description: "Helps", prompt: "You help.", model: "haiku" } },
      allowedTools: ["Bash"],
    });
    const call =
      '{"description":"help","prompt":"%tokens 40","subagent_type":"helper","run_in_background":false}';
    // A call of a tool counts 20.
    const prompts = [`${SPAN}\n%tokens 10`, `%tool Agent ${call}\n%tokens 5`, "%tokens 20"];
    let sum = 0;
    let total: { total_cost_usd: number; modelUsage: Record<string, { outputTokens: number }> };
    const outputs: Record<string, { output_tokens: number }>[] = [];
    for (const prompt of prompts) {
      const turn = measured.send(prompt, { traceparent: "nonsense" });
      for await (const event of turn) {
        if (event.kind === "message" && event.message.type === "result") {
          total = event.message as never;
        }
      }
      const { usage } = await turn;
      sum += usage!.cost_usd;
      outputs.push(usage!.models);
    }
    const tokens = (place: number, model: string) => outputs[place]![model]?.output_tokens ?? 0;
    const [main, small] = ["claude-opus-5-5", "claude-haiku-4-5"];
    expect([0, 1, 2].map((place) => tokens(place, main))).toEqual([30, 25, 20]);
    const haiku = Object.keys(outputs[1]!).find((name) => name.includes("haiku")) ?? small;
    expect([0, 1, 2].map((place) => tokens(place, haiku))).toEqual([0, 40, 0]);
    expect(sum).toBeCloseTo(total!.total_cost_usd, 8);
    // A span that is none is not passed on.
    const seen = JSON.stringify((await lastAsked(measured.id)).messages);
    expect(seen).toContain("span []");
    expect(seen).not.toContain("nonsense");
  });
});
