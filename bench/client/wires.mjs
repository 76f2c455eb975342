/** The same text in two wires: as a deployment sends a turn, and as the Messages API streams a message. */
import { randomUUID } from "node:crypto";

const WORDS = " one two three four five six seven eight nine ten".split(/(?= )/);
const SESSION = randomUUID();
const TURN = randomUUID();

const frame = (event, data) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

const textDelta = (n) => ({
  type: "content_block_delta",
  index: 0,
  delta: { type: "text_delta", text: WORDS[n % WORDS.length] },
});

const edgeFrame = (kind, seq, data) =>
  `id: ${seq}\n${frame(kind, { seq, turn_id: TURN, ...data })}`;

const turn = (seq, status, rest) =>
  edgeFrame("turn", seq, { session_id: SESSION, status, ...rest });

const edge = {
  head: () => turn(1, "queued") + turn(2, "running"),
  delta: (n) =>
    edgeFrame("delta", n + 3, {
      message: {
        type: "stream_event",
        event: textDelta(n),
        session_id: SESSION,
        uuid: randomUUID(),
        parent_tool_use_id: null,
      },
    }),
  tail: (deltas) =>
    turn(deltas + 3, "completed", {
      result: { text: "ten", model: "m", stop_reason: "end_turn", num_turns: 1, duration_ms: 1 },
    }),
};

const MESSAGE = { id: "msg_1", type: "message", role: "assistant", model: "m", content: [] };
const USAGE = { input_tokens: 1, output_tokens: 1 };
const NO_STOP = { stop_reason: null, stop_sequence: null };
const plain = (data) => frame(data.type, data);

const anthropic = {
  head: () =>
    plain({ type: "message_start", message: { ...MESSAGE, ...NO_STOP, usage: USAGE } }) +
    plain({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
  delta: (n) => plain(textDelta(n)),
  tail: () =>
    plain({ type: "content_block_stop", index: 0 }) +
    plain({ type: "message_delta", delta: { ...NO_STOP, stop_reason: "end_turn" }, usage: USAGE }) +
    plain({ type: "message_stop" }),
};

const WIRES = { edge, anthropic };

/** How much text so many deltas hold. */
export function charsOf(deltas) {
  let chars = 0;
  for (let n = 0; n < deltas; n += 1) chars += WORDS[n % WORDS.length].length;
  return chars;
}

/** How many deltas make so many bytes. */
export const deltasIn = (wire, bytes) => Math.ceil(bytes / WIRES[wire].delta(100_000).length);

/** A whole stream of so many deltas. */
export function bodyOf(wire, deltas) {
  const { head, delta, tail } = WIRES[wire];
  const pieces = [Buffer.from(head())];
  for (let n = 0; n < deltas; n += 1_000) {
    const length = Math.min(1_000, deltas - n);
    pieces.push(Buffer.from(Array.from({ length }, (_, more) => delta(n + more)).join("")));
  }
  return Buffer.concat([...pieces, Buffer.from(tail(deltas))]);
}
