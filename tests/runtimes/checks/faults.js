import { equal, holds, isDelta } from "./expect.js";

const WORDS = Array.from({ length: 300 }, (_, index) => `word${index + 1}`).join(" ");

/** Reads a turn of 300 words over a connection with one fault: nothing may be lost, doubled or out of order. */
async function readOver(fault, { connect, faultURL }, options) {
  const url = `${faultURL}/${fault}/${crypto.randomUUID()}`;
  const retries = [];
  const edge = connect({ baseURL: url, onRetry: (retry) => retries.push(retry), ...options });
  const title = crypto.randomUUID();
  // The pause keeps the turn going until it is taken up again: its deltas are gone afterwards.
  const turn = edge.query("%tokens 300\n%wait 2000\n%say End.", { title });
  let text = "";
  let seq = 0;
  let last;
  for await (const event of turn) {
    holds(`event ${event.seq} comes behind ${seq}`, event.seq > seq);
    seq = event.seq;
    last = event;
    if (isDelta(event)) text += event.message.event.delta?.text ?? "";
  }
  equal("faults", await (await fetch(url)).text(), "1");
  equal("end", last.status, "completed");
  equal("text", text, `${WORDS}End.`);

  let sessions = 0;
  for await (const session of connect().sessions.list({ limit: 5 })) {
    if (session.title === title) sessions += 1;
  }
  equal("sessions that were begun", sessions, 1);
  return retries.map(({ error }) => error.name);
}

/** Connections that fail while a turn is begun or read. */
export const FAULTS = {
  "a stream that is cut is taken up where it was": async (given) => {
    equal("retries", await readOver("break", given), ["ConnectionError"]);
  },

  "a stream that ends too soon is taken up where it was": async (given) => {
    equal("retries", await readOver("end", given), ["ConnectionError"]);
  },

  "a stream that falls silent is taken up where it was": async (given) => {
    const retries = await readOver("stall", given, { idleTimeout: 1_500 });
    equal("the first retry", retries[0], "TimeoutError");
  },

  "a turn whose answer was lost is not begun twice": async (given) => {
    // A browser repeats a request by itself when a connection that it had used before is dropped.
    const retries = await readOver("drop", given);
    holds(`at most one retry: ${retries}`, retries.length <= 1);
  },

  "an answer that does not begin is given up and asked for again": async (given) => {
    const retries = await readOver("mute", given, { headersTimeout: 2_000 });
    equal("retries", retries, ["TimeoutError"]);
  },
};
