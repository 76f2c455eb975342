/**
 * One stream read with each client: `open` begins it, `text` is what an event of it adds to the answer. `of` names the
 * package it takes, `wire` what the server sends it.
 */
const textOfMessage = (event) => event.delta?.text;
const textOfEvent = (event) => event.message?.event.delta.text;

const REQUEST = { model: "m", max_tokens: 1, messages: [{ role: "user", content: "Go." }] };

const messagesOf = (Anthropic, baseURL) => new Anthropic({ baseURL, apiKey: "x" }).messages;

/** Each with its own wire. */
export const CLIENTS = {
  handEdge: {
    name: "hand-written parser, our wire",
    wire: "edge",
    push: handParse,
    text: textOfEvent,
  },
  edge: {
    name: "@claude-edge/client, for await",
    of: "edge",
    wire: "edge",
    // A bare Turn would be awaited to its end.
    open: ({ ClaudeEdge }, baseURL) => ({
      events: new ClaudeEdge({ baseURL, token: "x" }).query("Go."),
    }),
    text: (event) => (event.kind === "delta" ? event.message.event.delta.text : undefined),
  },
  handAnthropic: {
    name: "hand-written parser, Anthropic's wire",
    wire: "anthropic",
    push: handParse,
    text: textOfMessage,
  },
  anthropicCreate: {
    name: "@anthropic-ai/sdk, messages.create",
    of: "anthropic",
    wire: "anthropic",
    open: async ({ default: Anthropic }, baseURL) => ({
      events: await messagesOf(Anthropic, baseURL).create({ ...REQUEST, stream: true }),
    }),
    text: textOfMessage,
  },
  anthropicStream: {
    name: "@anthropic-ai/sdk, messages.stream",
    of: "anthropic",
    wire: "anthropic",
    open: ({ default: Anthropic }, baseURL) => ({
      events: messagesOf(Anthropic, baseURL).stream(REQUEST),
    }),
    text: textOfMessage,
  },
  openai: {
    name: "openai, responses.create",
    of: "openai",
    wire: "anthropic",
    open: async ({ default: OpenAI }, baseURL) => {
      const { responses } = new OpenAI({ baseURL, apiKey: "x" });
      return { events: await responses.create({ model: "m", input: "Go.", stream: true }) };
    },
    text: textOfMessage,
  },
  ai: {
    name: "ai, streamText",
    of: "ai",
    wire: "anthropic",
    open: ({ streamText, createAnthropic }, baseURL) => {
      const model = createAnthropic({ baseURL, apiKey: "x" })("m");
      return { events: streamText({ model, prompt: "Go." }).textStream };
    },
    text: (piece) => piece,
  },
  opencode: {
    name: "@opencode-ai/sdk, event.subscribe",
    of: "opencode",
    wire: "anthropic",
    open: async ({ createOpencodeClient }, baseUrl) => {
      const { stream } = await createOpencodeClient({ baseUrl }).event.subscribe();
      return { events: stream };
    },
    text: textOfMessage,
  },
};

/** And the two that take any stream for theirs with ours, for the same bytes. */
export const READERS = {
  ...CLIENTS,
  openaiEdge: onOurWire(CLIENTS.openai),
  opencodeEdge: onOurWire(CLIENTS.opencode),
};

function onOurWire(client) {
  return { ...client, name: `${client.name}, our wire`, wire: "edge", text: textOfEvent };
}

/** The yardstick: no more than what any client must do. */
async function handParse(url, onEvent) {
  const { body } = await fetch(url);
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end; (end = rest.indexOf("\n\n", start)) >= 0; start = end + 2) {
      const data = rest.indexOf("data: ", start) + "data: ".length;
      onEvent(JSON.parse(rest.slice(data, end)));
    }
    rest = rest.slice(start);
  }
}
