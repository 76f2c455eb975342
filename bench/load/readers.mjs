/**
 * Readers of sessions' events, in a process of their own: what measures must not wait for what is measured. Gets its
 * work by IPC and answers with how long events took to come.
 */
import { Agent, request } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
const SENT = /"n":(\d+),"sent":([\d.]+)/g;
const now = () => performance.timeOrigin + performance.now();

/** Delays in tenths of a millisecond, up to a minute: events by delay. */
const delays = new Uint32Array(600_000);
let events = 0;
let pieces = 0;
let ended = 0;
let broken = 0;

process.on("message", ({ url, token, sessions, each }) => {
  let open = sessions.length * each;
  const onOpen = () => {
    open -= 1;
    if (open === 0) process.send({ kind: "open" });
  };
  for (const { session, turn } of sessions) {
    for (let reader = 0; reader < each; reader += 1)
      read(`${url}/v1/sessions/${session}/events`, token, turn, onOpen);
  }
});

function read(address, token, turn, onOpen) {
  const sent = request(address, {
    agent,
    headers: { authorization: `Bearer ${token}`, accept: "text/event-stream" },
  });
  sent.on("response", (response) => {
    onOpen();
    let rest = "";
    let isOver = false;
    response.setEncoding("utf8").on("data", (chunk) => {
      const at = now();
      pieces += 1;
      rest += chunk;
      const end = rest.lastIndexOf("\n\n");
      if (end < 0) return;
      const whole = rest.slice(0, end);
      rest = rest.slice(end);
      for (const [, , time] of whole.matchAll(SENT)) note(at - Number(time));
      if (whole.includes('"status":"completed"')) {
        isOver = true;
        ended += 1;
        sent.destroy();
        finish();
      }
    });
    response.on("close", () => {
      if (isOver) return;
      broken += 1;
      finish();
    });
  });
  sent.on("error", () => {});
  sent.end();
  total += 1;
}

let total = 0;
function note(ms) {
  events += 1;
  delays[Math.min(delays.length - 1, Math.max(0, Math.round(ms * 10)))] += 1;
}

function finish() {
  if (ended + broken < total) return;
  const at = (share) => {
    let left = Math.ceil(events * share);
    const tenths = delays.findIndex((count) => (left -= count) <= 0);
    return tenths / 10;
  };
  const figures = { p50: at(0.5), p90: at(0.9), p99: at(0.99), most: at(1) };
  process.send({ kind: "done", events, pieces, ended, broken, ...figures });
}
