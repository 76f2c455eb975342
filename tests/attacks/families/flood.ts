import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";

import { findMarked } from "@claude-edge/runner/processes";

import { holds, type Family } from "../attack.ts";
import { toAnswer, type Answer } from "../send.ts";
import type { World } from "../world.ts";

const REQUESTS = 10_000;
const SOCKETS = 500;

/** Alice's queries beside it are answered within this time, milliseconds: they wait behind 500 others. */
const ALICE_MS = 15_000;

/**
 * What workerd may have grown by when it is over: 0.75 GB were measured, most of it in wrangler's proxy before the Worker,
 * and 1.3 GB after four times as many.
 */
const GROWTH_BYTES = 1.25 * 1024 * 1024 * 1024;

const NOT_COUNTED = "the flood did not run";

interface Kind {
  name: string;
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
  status: number;
  code?: string;
}

/** Memory of the stack's workerd processes. */
function workerdBytes(): number {
  const pids = findMarked({ CLAUDE_EDGE_STACK: process.env.CLAUDE_EDGE_STACK ?? "" });
  return pids.reduce((total, pid) => {
    try {
      if (!/workerd/.test(readFileSync(`/proc/${pid}/cmdline`, "latin1"))) return total;
      const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0;
      return total + Number(kib) * 1024;
    } catch {
      return total;
    }
  }, 0);
}

/** Bad requests of every kind by the thousand, and Alice beside them. */
export function flood({ stack, alice, mallory, ask }: World): Family {
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS });
  const json = { "content-type": "application/json" };
  const hers = { authorization: `Bearer ${mallory.token}` };
  const [head, body] = alice.token.split(".");
  const kinds: Kind[] = [
    { name: "no key", path: "/v1/sessions", status: 401 },
    {
      name: "a wrong key",
      path: "/v1/sessions",
      headers: { authorization: "Bearer x" },
      status: 401,
    },
    {
      name: "a forged token",
      path: "/v1/sessions",
      headers: { authorization: `Bearer ${head}.${body}.${"A".repeat(43)}` },
      status: 401,
    },
    { name: "no route", path: "/v1/nothing", headers: hers, status: 404, code: "not_found" },
    {
      name: "Alice's session",
      path: `/v1/sessions/${alice.session}`,
      headers: hers,
      status: 404,
      code: "session_not_found",
    },
    {
      name: "Alice's account",
      path: "/v1/sessions",
      headers: { ...hers, "x-account-id": "alice" },
      status: 403,
    },
    {
      name: "broken JSON",
      path: "/v1/query",
      headers: { ...hers, ...json },
      body: "{",
      status: 400,
      code: "invalid_json",
    },
    {
      name: "no prompt",
      path: "/v1/query",
      headers: { ...hers, ...json },
      body: "{}",
      status: 400,
    },
    {
      name: "64 kB of nothing",
      path: "/v1/query",
      headers: { ...hers, ...json },
      body: " ".repeat(65_536),
      status: 400,
    },
    { name: "a long path", path: `/${"a".repeat(5_000)}`, status: 414, code: "path_too_long" },
    { name: "a wrong method", method: "PUT", path: "/v1/sessions", headers: hers, status: 405 },
  ];
  const send = ({ method, path, headers = {}, body: text }: Kind): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const url = stack.url + path;
      const how = { agent, method: method ?? (text === undefined ? "GET" : "POST"), headers };
      const sent = request(url, how, (answer) => {
        let got = "";
        answer.setEncoding("utf8").on("data", (piece: string) => (got += piece));
        answer.on("end", () => resolve(toAnswer(answer.statusCode!, got))).on("error", reject);
      });
      sent.on("error", reject).end(text);
    });

  /** How many of each kind were not answered as they must be, and how. */
  const wrong = new Map<string, string[]>();
  let before = 0;
  let beside: Promise<string[]> | undefined;
  const runAll = async () => {
    before = workerdBytes();
    let isOver = false;
    const asAlice = async () => {
      const problems: string[] = [];
      // oxlint-disable-next-line no-unmodified-loop-condition -- modified below, while this waits
      for (let round = 0; !isOver || round === 0; round += 1) {
        const began = Date.now();
        const { status, text } = await ask("/v1/query", {
          key: alice.token,
          json: { prompt: "%say ok" },
        });
        const ms = Date.now() - began;
        if (status !== 200 || ms > ALICE_MS)
          problems.push(`${status} after ${ms} ms ${text.slice(0, 80)}`);
      }
      return problems;
    };
    beside = asAlice();
    await Promise.all(
      Array.from({ length: REQUESTS }, async (_, index) => {
        const kind = kinds[index % kinds.length]!;
        const list = wrong.get(kind.name) ?? [];
        wrong.set(kind.name, list);
        const { status, code } = await send(kind).catch((error: Error) =>
          toAnswer(0, error.message),
        );
        const isRight = status === kind.status && (kind.code === undefined || kind.code === code);
        if (!isRight) list.push(`${status} ${code}`);
      }),
    );
    isOver = true;
  };
  let flooded: Promise<void> | undefined;
  const over = () => (flooded ??= runAll());

  return {
    controls: [],
    attacks: [
      ...kinds.map(({ name }, place) => ({
        name,
        times: Math.ceil((REQUESTS - place) / kinds.length),
        attempt: async () => {
          await over();
          const list = wrong.get(name) ?? [NOT_COUNTED];
          const saw = `${list.length} answered otherwise: ${list[0]}`;
          return { repelled: list.length === 0, saw, through: list.length };
        },
      })),
      holds("Alice beside it", async () => {
        await over();
        return (await beside!)[0];
      }),
      holds("Alice behind it", async () => {
        const { status } = await ask("/v1/query", {
          key: alice.token,
          json: { prompt: "%say ok" },
        });
        return status === 200 ? undefined : String(status);
      }),
      holds("workerd's memory", async () => {
        await over();
        agent.destroy();
        if (before === 0) return process.platform === "linux" ? "it was not found" : undefined;
        const grown = workerdBytes() - before;
        return grown < GROWTH_BYTES ? undefined : `grown by ${Math.round(grown / 1024 / 1024)} MB`;
      }),
    ],
  };
}
