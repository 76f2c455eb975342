import type { Options, Query, SDKMessage, SDKUserMessage } from "@anthropic-ai/claude-agent-sdk";

import { drain, Prompts, user, type Api, type Log, type Scenario } from "../program.ts";

const FREE: Options = {
  permissionMode: "bypassPermissions",
  allowDangerouslySkipPermissions: true,
  tools: ["Bash"],
};

/** Two tools, each long enough for a message to come while it runs. */
const TOOLS = [1, 2].map((n) => `%say ${n}.\n%tool Bash {"command":"sleep 3; echo ${n}"}`);
const WORK = [...TOOLS, "%say Last."].join("\n");

const uuid = (n: number) => `00000000-0000-4000-8000-00000000000${n}` as const;

type Extra = Partial<SDKUserMessage>;
const say = (text: string, extra: Extra = {}): SDKUserMessage => ({ ...user(text), ...extra });

const callsTool = (message: SDKMessage) =>
  message.type === "assistant" && message.message.content.some(({ type }) => type === "tool_use");

/** Sends messages while the first tool runs, and ends the prompt after so many results. */
const during = (name: string, results: number, messages: SDKUserMessage[]): Scenario => ({
  name: `steering: ${name}`,
  run: async (api, log) => {
    const prompts = new Prompts();
    prompts.send(say(WORK));
    let [calls, seen] = [0, 0];
    await drain(api.query({ prompt: prompts, options: FREE }), log, (message) => {
      if (callsTool(message) && ++calls === 1) for (const one of messages) prompts.send(one);
      if (message.type === "result" && ++seen === results) prompts.close();
    });
  },
});

/** Runs a program with a streaming prompt of one message. */
const streaming = (
  name: string,
  text: string,
  onMessage: (message: SDKMessage, query: Query, prompts: Prompts, log: Log) => void,
): Scenario => ({
  name: `steering: ${name}`,
  run: async (api, log) => {
    const prompts = new Prompts();
    prompts.send(say(text));
    const query = api.query({ prompt: prompts, options: FREE });
    await drain(query, log, (message) => onMessage(message, query, prompts, log));
  },
});

async function* only(message: SDKUserMessage): AsyncGenerator<SDKUserMessage> {
  yield message;
}

/** A prompt that throws, after a message if there is one. */
const throwing = (name: string, first?: string): Scenario => ({
  name: `steering: a prompt that throws ${name}`,
  run: async (api: Api, log: Log) => {
    const broken = async function* (): AsyncGenerator<SDKUserMessage> {
      if (first !== undefined) yield say(first);
      throw new Error("The prompt is broken.");
    };
    await drain(api.query({ prompt: broken(), options: FREE }), log);
  },
});

const aborting = (name: string, isStreaming: boolean): Scenario => ({
  name: `steering: an abort, ${name}`,
  run: async (api, log) => {
    const prompts = new Prompts();
    prompts.send(say(WORK));
    const abortController = new AbortController();
    const prompt = isStreaming ? prompts : WORK;
    const query = api.query({ prompt, options: { ...FREE, abortController } });
    await drain(query, log, (message) => callsTool(message) && abortController.abort());
    await query.interrupt().then(
      () => log("interrupted", null),
      ({ message }: Error) => log("rejects", message),
    );
  },
});

export const STEERING: Scenario[] = [
  during("a message while a tool runs", 1, [say("%say Turned.")]),
  during("priority next", 1, [say("%say Turned.", { priority: "next" })]),
  during("priority later", 2, [say("%say Afterwards.", { priority: "later" })]),
  during("priority now", 2, [say("%say At once.", { priority: "now" })]),
  during("two messages", 1, [say("%say Never said."), say("%say Turned.")]),
  during("a uuid", 1, [say("%say Turned.", { uuid: uuid(1) })]),
  during("a uuid twice", 1, [
    say("%say Turned.", { uuid: uuid(1) }),
    say("%say Turned.", { uuid: uuid(1) }),
  ]),
  during("isSynthetic", 1, [say("%say Turned.", { isSynthetic: true })]),
  during("shouldQuery false", 1, [say("%say Turned.", { shouldQuery: false })]),
  during("a command that is not one", 1, [say("/context", { client_composed: true })]),
  {
    name: "steering: shouldQuery false between turns",
    run: async (api, log) => {
      const prompts = new Prompts();
      prompts.send(say("My name is Ada.", { shouldQuery: false }));
      let results = 0;
      await drain(api.query({ prompt: prompts, options: FREE }), log, (message) => {
        if (message.type !== "result") return;
        results += 1;
        if (results === 1) prompts.send(say("What is my name?"));
        else prompts.close();
      });
    },
  },
  {
    name: "steering: session states, and a message for later",
    run: async (api, log) => {
      const prompts = new Prompts();
      prompts.send(say("%say One."));
      prompts.send(say("%say Two.", { priority: "later" }));
      const env = { CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: "1" };
      let results = 0;
      await drain(api.query({ prompt: prompts, options: { ...FREE, env } }), log, (message) => {
        if (message.type === "result" && ++results === 2) prompts.close();
      });
    },
  },
  {
    name: "steering: an empty prompt",
    run: async (api, log) => drain(api.query({ prompt: "", options: FREE }), log),
  },
  streaming("an empty message", "", (message, _query, prompts) => {
    if (message.type === "result") prompts.close();
  }),
  streaming("streamInput while a tool runs", WORK, (message, query, prompts, log) => {
    if (!callsTool(message)) return;
    prompts.close();
    void query.streamInput(only(say("%say Turned."))).then(
      () => log("given", null),
      ({ message: why }: Error) => log("rejects", why),
    );
  }),
  {
    name: "steering: streamInput after the result",
    run: async (api, log) => {
      const query = api.query({ prompt: "%say Done.", options: FREE });
      await drain(query, log);
      await query.streamInput(only(say("%say More."))).then(
        () => log("given", null),
        ({ message }: Error) => log("rejects", message),
      );
    },
  },
  streaming("an interrupt with a message queued", WORK, (message, query, prompts, log) => {
    if (callsTool(message)) {
      prompts.send(say("%say Afterwards.", { uuid: uuid(1), priority: "later" }));
      setTimeout(() => void query.interrupt().then((receipt) => log("receipt", receipt)), 1_000);
    }
    const isLast = message.type === "result" && message.subtype === "success";
    if (isLast) prompts.close();
  }),
  aborting("of a text", false),
  aborting("of a streaming prompt", true),
  throwing("at once"),
  throwing("after a message", "%say Done."),
];
