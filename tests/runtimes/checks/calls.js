import { equal, failure, holds } from "./expect.js";

/** Calls that are answered at once, and the ways in which they fail. */
export const CALLS = {
  "a deployment says its health": async ({ edge }) => {
    const { status, protocol } = await edge.health();
    equal("health", { status, protocol }, { status: "ok", protocol: 1 });
  },

  "what the deployment refuses is an error with its code": async ({ edge, connect }) => {
    const unknown = edge.sessions.open(crypto.randomUUID());
    const { name, code, status, requestId } = await failure("unknown", () => unknown.retrieve());
    equal("error", [name, code, status], ["ApiError", "session_not_found", 404]);
    holds("it names its request", requestId?.startsWith("req_"));

    const stranger = connect({ token: "not-the-key" });
    const refused = await failure("a wrong key", () => stranger.query("Hello"));
    equal("error", [refused.name, refused.code], ["ApiError", "unauthorized"]);
  },

  "a deployment out of reach is connection_failed": async ({ connect }) => {
    const nowhere = connect({ baseURL: "http://127.0.0.1:1", maxRetries: 0 });
    const { name, code, retryable } = await failure("no connection", () => nowhere.health());
    equal("error", [name, code, retryable], ["ConnectionError", "connection_failed", true]);
  },

  "a redirection is refused, and not followed": async ({ connect, faultURL }) => {
    const url = `${faultURL}/redirect/${crypto.randomUUID()}`;
    const edge = connect({ baseURL: url });
    const { name, code } = await failure("a redirection", () => edge.health());
    equal("error", [name, code], ["ProtocolError", "protocol_error"]);
    equal("requests", await (await fetch(url)).text(), "1");
  },

  "a call whose signal has aborted is not made": async ({ edge }) => {
    const reason = new Error("changed my mind");
    const title = crypto.randomUUID();
    const query = () => edge.query("Hello", { title, signal: AbortSignal.abort(reason) });
    const { name, code, cause } = await failure("an aborted call", query);
    equal("error", [name, code], ["AbortError", "aborted"]);
    holds("its cause is the signal's reason", cause === reason);
    for await (const session of edge.sessions.list()) {
      holds("nothing was begun", session.title !== title);
    }
  },
};
