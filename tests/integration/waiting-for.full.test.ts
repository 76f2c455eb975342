import { query, type TurnEvent } from "@claude-edge/client";
import { expect, test } from "vitest";

import { useCli } from "../../cli/test/support/run.js";
import { useStack } from "../support/stack.js";
import { until } from "../support/wait.js";

const account = "waiting-for";
const edge = useStack();
const cli = useCli();

/** The event by which a turn was queued. */
async function queuedOf(session: string, turn: string): Promise<TurnEvent> {
  for await (const event of edge.client(account).sessions.open(session).events()) {
    if (event.kind === "turn" && event.turn_id === turn && event.status === "queued") return event;
  }
  throw new Error("it was never queued");
}

test("a turn that waits for one whose program has left says for which, and how to stop it", async () => {
  const runaway = await edge.client(account).sessions.create();
  const send = async (session: string, prompt: string, authorization?: string) => {
    const response = await edge.fetch(`/v1/sessions/${session}/turns`, {
      json: { prompt },
      ...(authorization ? { headers: { authorization } } : { account }),
    });
    return (await response.json()) as { id: string };
  };
  const { id } = await send(runaway.id, "%say On and on.\n%wait 600000");
  await until("it runs", async () => (await edge.asked("On and on.")).length > 0);
  expect(await queuedOf(runaway.id, id)).not.toHaveProperty("waiting_for");

  const env = { CLAUDE_EDGE_URL: edge.stack.url, CLAUDE_EDGE_TOKEN: edge.stack.token };
  let stderr = "";
  const here = cli.run(["query", "%say From the CLI.", "--account", account], {
    env,
    onError: (text) => (stderr = text),
  });
  const warnings: [message: string, fields: object][] = [];
  const results: unknown[] = [];
  const there = (async () => {
    const { url: baseURL, token } = edge.stack;
    const logger = {
      debug() {},
      warn: (...warning: [string, object]) => void warnings.push(warning),
    };
    for await (const message of query({
      prompt: "%say From query().",
      edge: { baseURL, token, account, logger },
    })) {
      if (message.type === "result") results.push(message);
    }
  })();

  const [note = "", command = ""] = await until(
    "the CLI says what it waits for",
    () => /^note: .*to stop it: claude-edge (.+)$/m.exec(stderr) ?? undefined,
  );
  expect(note).toContain(`waiting for turn ${id.slice(0, 8)} of session ${runaway.id.slice(0, 8)}`);
  const [[message, blocker]] = await until("query() does", () =>
    warnings.length > 0 ? (warnings as [[string, object]]) : undefined,
  );
  expect(message).toContain(`turn ${id} of session ${runaway.id}`);
  expect(message).toContain(`claude-edge sessions interrupt ${runaway.id} --account ${account}`);
  const since = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  expect(blocker).toEqual({ session_id: runaway.id, turn_id: id, since });

  // Ids of sessions are something to know: a token that may not list them is told since when alone.
  const session = await edge.client(account).sessions.create();
  const minted = await edge.fetch("/v1/tokens", { json: { account, scopes: ["query"] } });
  const { token } = (await minted.json()) as { token: string };
  const turn = await send(session.id, "%say Never.", `Bearer ${token}`);
  expect((await queuedOf(session.id, turn.id)).waiting_for).toEqual({ since });
  await session.delete();

  // What the note says stops it, and the others begin.
  const stopped = await cli.run(command.split(" "), { env });
  expect(stopped).toMatchObject({
    code: 0,
    stderr: `interrupted: turn ${id} of session ${runaway.id}\n`,
  });
  expect(await here).toMatchObject({ code: 0, stdout: "From the CLI.\n" });
  await there;
  expect(results).toMatchObject([{ result: "From query()." }]);
  expect(warnings).toHaveLength(1);

  const again = await cli.run(command.split(" "), { env });
  expect(again.stderr).toBe(`nothing runs in session ${runaway.id}\n`);
});
