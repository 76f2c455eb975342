import { query, type ClaudeEdgeError } from "@claude-edge/client";
import { describe, expect, it } from "vitest";
import * as z from "zod";

import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const local = useStack();

const connection = (account: string) => ({
  baseURL: local.stack.url,
  token: local.stack.token,
  account,
});

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error: ClaudeEdgeError) => error.code,
  );
}

const requestsOf = () => local.stack.model!.requests;

describe("query(), as the Agent SDK has it", () => {
  it("refuses at once what cannot go over the network, with the reason", () => {
    const refused = (options: object) => () =>
      query({ prompt: "hi", options, edge: connection("refused") });
    expect(refused({ cwd: "/home/me" })).toThrow(/^cwd: every session has its own folder/);
    expect(refused({ env: { HOME: "/" } })).toThrow(
      expect.objectContaining({ code: "option_refused" }),
    );
    expect(refused({ unheardOf: true })).toThrow(/no such option/);
    expect(refused({ resumeSessionAt: "x" })).toThrow(/forkSession/);
    expect(refused({ agents: { a: { prompt: () => "x" } } })).toThrow(
      /agents.prompt: a function cannot travel/,
    );
    expect(refused({ persistSession: false })).toThrow(/always stored/);
  });

  it("tells of a deployment that does not answer, and of an option the deployment refuses", async () => {
    const away = query({
      prompt: "hi",
      edge: { ...connection("x"), baseURL: "http://127.0.0.1:9", maxRetries: 0 },
    });
    expect(await codeOf(away.next())).toBe("connection_failed");
    const odd = query({ prompt: "hi", options: { maxTurns: -1 }, edge: connection("x") });
    expect(await codeOf(odd.next())).toBe("invalid_request");
  });

  it("stops the turn when it is left", async () => {
    const edge = connection("left");
    for await (const { type } of query({ prompt: "%say One.\n%wait 60000\n%say Two.", edge })) {
      if (type === "system") break;
    }
    const stopped = await until("the turn has ended", async () => {
      for await (const session of local.client("left").sessions.list()) {
        if (session.status === "idle") return session;
      }
      return undefined;
    });
    expect(stopped.status).toBe("idle");
  });

  it("throws what ended a turn that no result message tells of", async () => {
    const edge = connection("lost");
    const read = (async () => {
      for await (const { type } of query({ prompt: "%say One.\n%wait 60000", edge })) {
        if (type !== "system") continue;
        for (const { name } of local.stack.containers()) await local.stack.killContainer(name);
      }
    })();
    expect(await codeOf(read)).toBe("container_lost");
  });

  it("gives a resumed session the options of the new query", async () => {
    const edge = connection("options");
    let id = "";
    const first = query({ prompt: "%say One.", options: { systemPrompt: "You are one." }, edge });
    for await (const { session_id } of first) id = session_id ?? id;
    const options = {
      resume: id,
      systemPrompt: { type: "custom" as const, prompt: "You are two.", snapshot: false },
    };
    for await (const _message of query({ prompt: "%say Two.", options, edge }));
    const { options: kept } = await local.client("options").sessions.open(id).retrieve();
    expect(kept.systemPrompt).toMatchObject({ prompt: "You are two." });
    expect(JSON.stringify(requestsOf().at(-1)!.body.messages)).toContain("%say One.");
  });
});

describe("a session's options", () => {
  it("are replaced for the turns to come", async () => {
    const edge = local.client("replaced");
    const session = await edge.sessions.create({ model: "claude-haiku-4-5" });
    await session.send("%say One.");
    await session.update({ options: { model: "claude-sonnet-5-5", disallowedTools: ["Bash"] } });
    expect((await session.send("%say Two.")).model).toBe("claude-sonnet-5-5");
    const names = requestsOf()
      .at(-1)!
      .body.tools!.map(({ name }) => name);
    expect(names).not.toContain("Bash");
    expect(JSON.stringify(requestsOf().at(-1)!.body.messages)).toContain("%say One.");
  });

  it("that are too large for a row are refused", async () => {
    const edge = local.client("large");
    const agents = { a: { description: "x", prompt: "x".repeat(700_000) } };
    expect(await codeOf(edge.sessions.create({ agents }))).toBe("invalid_request");
  });
});

describe("control", () => {
  it("calls the Agent SDK's methods, and keeps model and mode for another container", async () => {
    const edge = local.client("control");
    const session = await edge.sessions.create();
    expect(await session.control("supportedModels")).toEqual(
      expect.arrayContaining([expect.objectContaining({ value: expect.any(String) })]),
    );
    await session.control("setModel", ["claude-haiku-4-5"]);
    await session.control("setPermissionMode", ["dontAsk"]);
    expect((await session.send("%say One.")).model).toBe("claude-haiku-4-5");
    for (const { name } of local.stack.containers()) await local.stack.killContainer(name);
    expect((await session.send("%say Two.")).model).toBe("claude-haiku-4-5");
    expect((await session.retrieve()).options).toEqual({
      model: "claude-haiku-4-5",
      permissionMode: "dontAsk",
    });
  });

  it("says what the agent made of it, and refuses what is no method", async () => {
    const session = await local.client("control").sessions.create();
    expect(await codeOf(session.control("toggleMcpServer", ["none", true]))).toBe("control_failed");
    expect(await codeOf(session.control("constructor" as never))).toBe("invalid_request");
    const none = local.client("control").sessions.open(crypto.randomUUID());
    expect(await codeOf(none.control("supportedModels"))).toBe("session_not_found");
  });
});

describe("the caller's span", () => {
  it("is what a process that is started for the turn continues", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const edge = local.client("span");
    const prompt = '%tool Bash {"command":"echo span $TRACEPARENT"}\n%say The end.';
    const options = { allowedTools: ["Bash"], maxTurns: 9 };
    await edge.query(prompt, { ...options, traceparent });
    expect(JSON.stringify(requestsOf().at(-1)!.body.messages)).toContain(`span ${traceparent}`);
    await edge.query(prompt, { ...options, traceparent: "nonsense" });
    expect(JSON.stringify(requestsOf().at(-1)!.body.messages)).not.toContain("nonsense");
  });
});

describe("structured output", () => {
  const person = z.object({ name: z.string(), born: z.string().transform((year) => Number(year)) });

  it("is a value of its schema, transformed as that says", async () => {
    const turn = local
      .client("output")
      .query('%tool StructuredOutput {"name":"Ada","born":"1815"}', {
        output: person,
      });
    const { output } = await turn;
    const { name, born }: { name: string; born: number } = output;
    expect({ name, born }).toEqual({ name: "Ada", born: 1815 });
  });

  it("is a value of a JSON schema", async () => {
    const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
    const session = await local.client("output").sessions.create({ output: schema });
    const { output } = await session.send('%tool StructuredOutput {"ok":true}');
    expect(output).toEqual({ ok: true });
  });

  it("is never undefined: an error with what the model said last", async () => {
    const edge = local.client("output");
    const never = edge.query("%say I would rather talk.", { output: person });
    await expect(never.result()).rejects.toMatchObject({
      code: "output_invalid",
      details: { last_text: "Done." },
    });
    const wrong = Array.from(
      { length: 12 },
      () => '%tool StructuredOutput {"name":1}\n%say I tried.',
    );
    await expect(edge.query(wrong.join("\n"), { output: person }).result()).rejects.toMatchObject({
      code: "output_invalid",
      details: { last_text: "I tried." },
    });
  });

  it("that fits the JSON schema and not the schema itself is an error too", async () => {
    const even = z.object({ n: z.number().refine((n) => n % 2 === 0, "must be even") });
    const turn = local.client("output").query('%tool StructuredOutput {"n":3}', { output: even });
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
    const ask = () => local.client("output").query("hi", { output: schema });
    expect(ask).toThrow(/own does not say its JSON schema/);
  });
});

describe("usage", () => {
  it("is each turn's own, subagents included, and adds up to the Agent SDK's sums", async () => {
    const edge = local.client("usage");
    const session = await edge.sessions.create({
      agents: { helper: { description: "Helps", prompt: "You help.", model: "haiku" } },
    });
    const call =
      '{"description":"help","prompt":"%tokens 40","subagent_type":"helper","run_in_background":false}';
    const prompts = ["%tokens 10", `%tool Agent ${call}\n%tokens 5`, "%tokens 20"];
    let sum = 0;
    let total: { total_cost_usd: number; modelUsage: Record<string, { outputTokens: number }> };
    const outputs: Record<string, { output_tokens: number }>[] = [];
    for (const prompt of prompts) {
      const turn = session.send(prompt);
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
    expect([0, 1, 2].map((place) => tokens(place, main))).toEqual([10, 25, 20]);
    const haiku = Object.keys(outputs[1]!).find((name) => name.includes("haiku")) ?? small;
    expect([0, 1, 2].map((place) => tokens(place, haiku))).toEqual([0, 40, 0]);
    expect(sum).toBeCloseTo(total!.total_cost_usd, 8);
  });
});
