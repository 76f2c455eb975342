import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";

/** A request on its way through the proxy. */
export interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  /** True when the fault is to be made now: it has not been made `most` times, 1 without it. */
  strike(most?: number): boolean;
  /** Asks the deployment, and gives its answer to `relay`. */
  pass(relay: Relay): void;
}

type Relay = (answer: IncomingMessage, response: ServerResponse) => Promise<unknown>;

/** So much of a stream goes through before its fault: some way into the words of the answer, and not behind a frame. */
const BYTES = 30_001;

/** Passes an answer on as it comes. */
export const relay: Relay = (answer, response) => {
  response.writeHead(answer.statusCode!, answer.headers);
  response.flushHeaders();
  return pipeline(answer, response);
};

/** The faults, by the name they have in a path. */
export const FAULTS: Record<string, (call: Call) => void> = {
  /** Every request is redirected. */
  redirect({ response, strike }) {
    strike(Infinity);
    response.writeHead(302, { location: "health" }).end();
  },
  /** The first request is not answered. */
  mute({ strike, pass }) {
    if (!strike()) pass(relay);
  },
  /** The first request reaches the deployment, and the connection breaks before its answer. */
  drop({ strike, pass }) {
    pass(async (answer, response) =>
      strike() ? response.destroy() : await relay(answer, response),
    );
  },
  /** The first stream breaks. */
  break: inStream(() => {
    throw new Error("The connection is cut.");
  }),
  /** The first stream ends as one does that is whole. */
  end: inStream(() => {}),
  /** The first stream brings nothing more, and stays open. */
  stall: inStream((response) => once(response, "close")),
};

function inStream(fail: (response: ServerResponse) => unknown) {
  return ({ strike, pass }: Call) =>
    pass((answer, response) => {
      const isStream = answer.headers["content-type"]?.startsWith("text/event-stream");
      if (!isStream) return relay(answer, response);
      response.writeHead(answer.statusCode!, answer.headers);
      response.flushHeaders();
      const upToFault = async function* (chunks: AsyncIterable<Buffer>) {
        let passed = 0;
        for await (const chunk of chunks) {
          const left = BYTES - passed;
          passed += chunk.length;
          if (left > 0 && left <= chunk.length && strike()) {
            yield chunk.subarray(0, left);
            await fail(response);
            return;
          }
          yield chunk;
        }
      };
      return pipeline(answer, upToFault, response);
    });
}
