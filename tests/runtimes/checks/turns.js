import { equal, failure, holds, isDelta } from "./expect.js";

/** What the scripted model writes for `%bytes`: numbered words of 4 kB. */
const bytes = (count) =>
  Array.from({ length: Math.ceil(count / 4096) }, (_, index) =>
    `word${index + 1}`.padEnd(4095, "."),
  ).join(" ");

/** Turns: how they are read, left, stopped, and what they ask. */
export const TURNS = {
  "a query is awaited for its outcome": async ({ edge }) => {
    const { text, stopReason, usage, sessionId } = await edge.query("%say The answer is 4.");
    equal("outcome", [text, stopReason], ["The answer is 4.", "end_turn"]);
    equal("tokens", usage.output_tokens, 4);
    equal("session", (await edge.sessions.open(sessionId).retrieve()).id, sessionId);
  },

  "text comes piece by piece, as it is written": async ({ edge }) => {
    const pieces = [];
    const times = [];
    const prompt = "%say Grüße, 世界 🌍.\n%wait 1500\n%say Und weiter.";
    for await (const piece of edge.query(prompt).text()) {
      pieces.push(piece);
      times.push(Date.now());
    }
    equal("text", pieces.join(""), "Grüße, 世界 🌍.\n\nUnd weiter.");
    holds("more than two pieces", pieces.length > 2);
    holds("the first a second before the last", times.at(-1) - times[0] > 1_000);
  },

  "leaving the events detaches, and the turn goes on": async ({ edge }) => {
    const session = await edge.sessions.create();
    const turn = session.send("%say Begun.\n%wait 2500\n%say Ended.");
    const seen = [];
    for await (const event of turn) {
      seen.push(event.kind);
      if (isDelta(event)) break;
    }
    equal("the events up to there", [seen[0], seen.at(-1)], ["turn", "delta"]);
    equal("the session", (await session.retrieve()).status, "running");

    const rest = session.resume({ turnId: turn.id, lastSeq: turn.lastSeq });
    const { text } = await rest;
    holds(`it ended: ${text}`, text.endsWith("Ended."));
    equal("the turn", rest.id, turn.id);
  },

  "a session remembers, and its events are read again": async ({ edge }) => {
    const title = crypto.randomUUID();
    const session = await edge.sessions.create({ title });
    await session.send("My favourite colour is teal.");
    const { text } = await session.send("Which colour did I say earlier?");
    holds(`it remembers: ${text}`, text.includes("My favourite colour is teal."));

    const ends = [];
    for await (const event of session.events()) {
      if (event.kind === "turn" && event.status === "completed") ends.push(event.turn_id);
      if (ends.length === 2) break;
    }
    equal("turns", new Set(ends).size, 2);
    await session.update({ title: `${title}, renamed` });
    equal("title", (await session.retrieve()).title, `${title}, renamed`);
    await session.delete();
    const { code } = await failure("a deleted session", () => session.retrieve());
    equal("deleted", code, "session_not_found");
  },

  "an interrupt ends the turn, and the next goes on": async ({ edge }) => {
    const session = await edge.sessions.create();
    const turn = session.send("%say Starting.\n%wait 30000\n%say Never.");
    let last;
    for await (const event of turn) {
      if (isDelta(event) && !isDelta(last)) await turn.interrupt();
      last = event;
    }
    equal("end", [last.kind, last.status], ["turn", "interrupted"]);
    const { name, code } = await failure("its result", () => turn.result());
    equal("error", [name, code], ["TurnError", "interrupted"]);
    equal("next", (await session.send("%say Here again.")).text, "Here again.");
  },

  "a turn that fails is an error with its code": async ({ edge }) => {
    const { name, code, turnStatus } = await failure("the turn", () => edge.query("%error 400"));
    equal("error", [name, code, turnStatus], ["TurnError", "model_invalid_request", "failed"]);
  },

  "an output is a value of its JSON schema": async ({ edge }) => {
    const properties = { name: { type: "string" }, age: { type: "integer" } };
    const schema = { type: "object", properties, required: ["name", "age"] };
    const prompt = '%tool StructuredOutput {"name":"Ada","age":36}';
    equal("output", (await edge.query(prompt, { output: schema })).output, {
      name: "Ada",
      age: 36,
    });
  },

  "onPermission lets a tool run": async ({ edge }) => {
    const asked = [];
    const turn = edge.query('%tool Bash {"command":"echo ran > ran.txt; cat ran.txt"}\n%say Ran.', {
      permissionMode: "default",
      onPermission: ({ toolName, input }) => {
        asked.push([toolName, Object.keys(input)]);
        return { behavior: "allow" };
      },
    });
    const results = [];
    for await (const event of turn) {
      if (event.kind === "message" && event.message.type === "user") {
        results.push(...event.message.message.content);
      }
    }
    equal("asked", asked, [["Bash", ["command"]]]);
    equal(
      "the tool's result",
      results.map(({ content, is_error }) => [content, is_error]),
      [["ran", false]],
    );
    equal("answer", (await turn).text, "Ran.");
  },

  "a signal aborts the call, and not the turn": async ({ edge }) => {
    const session = await edge.sessions.create();
    const controller = new AbortController();
    const prompt = "%say Begun.\n%wait 1500\n%say Ended.";
    const turn = session.send(prompt, { signal: controller.signal });
    const reason = new Error("changed my mind");
    const { name, code, cause } = await failure("the loop", async () => {
      for await (const event of turn) if (isDelta(event)) controller.abort(reason);
    });
    equal("error", [name, code], ["AbortError", "aborted"]);
    holds("its cause is the signal's reason", cause === reason);
    const { text } = await session.resume({ turnId: turn.id, lastSeq: turn.lastSeq });
    holds(`the turn went on: ${text}`, text.endsWith("Ended."));

    const late = session.send(prompt, { signal: AbortSignal.timeout(700) });
    equal("the time-out", (await failure("a late turn", () => late)).code, "aborted");
  },

  "query() gives the Agent SDK's messages, up to the result": async ({ query, ...given }) => {
    const { baseURL, token, account } = given;
    const kinds = [];
    const hook = async () => {
      kinds.push("hook");
      return {};
    };
    let last;
    const messages = query({
      prompt: '%tool Bash {"command":"echo hi"}\n%say Done.',
      options: {
        permissionMode: "default",
        canUseTool: async (_name, input) => ({ behavior: "allow", updatedInput: input }),
        hooks: { PostToolUse: [{ hooks: [hook] }] },
      },
      edge: { baseURL, token, account },
    });
    for await (const message of messages) {
      kinds.push(message.type);
      last = message;
    }
    equal("first", kinds[0], "system");
    holds(`the hook ran between call and result: ${kinds}`, kinds.includes("hook"));
    equal("last", [last.type, last.subtype, last.result], ["result", "success", "Done."]);
  },

  "breaking out of query() stops its turn": async ({ query, edge, ...given }) => {
    const { baseURL, token, account } = given;
    const messages = query({
      prompt: "%say Starting.\n%wait 30000\n%say Never.",
      options: { includePartialMessages: true },
      edge: { baseURL, token, account },
    });
    let id;
    for await (const { type, session_id } of messages) {
      id = session_id;
      if (type === "stream_event") break;
    }
    for await (const event of edge.sessions.open(id).events()) {
      if (event.kind === "turn" && event.status === "interrupted") break;
      holds("the turn does not complete", event.status !== "completed");
    }
  },

  "an answer of 2 MB comes whole": async ({ edge }) => {
    const turn = edge.query("%bytes 2000000");
    const pieces = [];
    for await (const piece of turn.text()) pieces.push(piece);
    const expected = bytes(2_000_000);
    holds("its text is whole", pieces.join("") === expected);
    holds("and so is its outcome's", (await turn).text === expected);
  },

  "a prompt of 1 MB goes out whole": async ({ edge }) => {
    const prompt = "ä".repeat(500_000);
    const turn = edge.query(`%say Read.\n${prompt}`);
    equal("answer", (await turn).text, "Read.");
  },
};
