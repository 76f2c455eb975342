import { connect } from "node:net";

/** No answer by then is none, milliseconds: hanging is no refusal. */
const PATIENCE_MS = 20_000;

export interface Answer {
  status: number;
  /** The code of the error, if it is one of ours. */
  code?: string;
  headers: Headers;
  text: string;
}

const codeOf = (text: string) => /"error":\{"code":"(\w+)"/.exec(text)?.[1];

export const toAnswer = (status: number, text: string, headers = new Headers()): Answer => {
  const code = codeOf(text);
  return { status, headers, text, ...(code === undefined ? {} : { code }) };
};

export interface Ask {
  method?: string;
  /** Root key or token. */
  key?: string;
  account?: string;
  headers?: Record<string, string>;
  json?: unknown;
  body?: BodyInit;
  /** For what takes longer than an answer should, milliseconds. */
  patienceMs?: number;
}

/** A request by `fetch`; with a body it is a POST. */
export async function ask(
  url: string,
  {
    method,
    key,
    account,
    headers = {},
    json,
    body = JSON.stringify(json),
    patienceMs = PATIENCE_MS,
  }: Ask = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(account === undefined ? {} : { "x-account-id": account }),
      ...headers,
    },
    redirect: "manual",
    signal: AbortSignal.timeout(patienceMs),
    ...(body === undefined ? {} : { body, duplex: "half" }),
  } as RequestInit);
  return toAnswer(response.status, await response.text(), response.headers);
}

/**
 * What `fetch` would put in order first: bytes as they are, over a socket of their own. Gives the answers to them, up to
 * as many as are waited for, or as have come when the time is over.
 */
export function askRaw(
  url: string,
  bytes: string | Buffer | ((write: (piece: string | Buffer) => void) => void),
  { ms = PATIENCE_MS, until = 1 }: { ms?: number; until?: number } = {},
): Promise<Answer[]> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let got = "";
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(parseAnswers(got));
    };
    const timer = setTimeout(() => {
      if (parseAnswers(got).length > 0) return end();
      socket.destroy();
      reject(new Error(`no answer within ${ms} ms, but ${JSON.stringify(got.slice(0, 200))}`));
    }, ms);
    socket.on("data", (piece: Buffer) => {
      got += piece.toString("latin1");
      if (parseAnswers(got).length >= until) end();
    });
    // A connection that is reset behind the answer has given it.
    socket.on("close", end).on("error", end);
    if (typeof bytes === "function")
      bytes((piece) => void (socket.writable && socket.write(piece)));
    else socket.write(bytes);
  });
}

/** The whole answers among the bytes that came: those of this API say how long they are, or come in chunks. */
function parseAnswers(got: string): Answer[] {
  const answers: Answer[] = [];
  let rest = got;
  for (;;) {
    const head = /^HTTP\/1\.[01] (\d{3})[^\r]*\r\n([\s\S]*?)\r\n\r\n/.exec(rest);
    if (!head) return answers;
    const lines = head[2]!.split("\r\n").map((line) => line.split(/:\s*/, 2) as [string, string]);
    const headers = new Headers(lines.filter(([name]) => name !== ""));
    const behind = rest.slice(head[0].length);
    const length = headers.get("content-length");
    const chunked = headers.get("transfer-encoding") === "chunked";
    let text = behind;
    if (length !== null) {
      if (behind.length < Number(length)) return answers;
      text = behind.slice(0, Number(length));
      rest = behind.slice(text.length);
    } else if (chunked) {
      const end = behind.indexOf("0\r\n\r\n");
      if (end < 0) return answers;
      text = behind.slice(0, end).replaceAll(/[\da-f]+\r\n([\s\S]*?)\r\n/g, "$1");
      rest = behind.slice(end + 5);
    } else {
      rest = "";
    }
    answers.push(toAnswer(Number(head[1]), text, headers));
  }
}

/** A request as bytes. The host header, and an end behind the last answer, are put in. */
export function rawRequest(
  url: string,
  line: string,
  headers: readonly string[] = [],
  body = "",
): string {
  const { host } = new URL(url);
  return [`${line} HTTP/1.1`, `Host: ${host}`, ...headers, "", body].join("\r\n");
}
