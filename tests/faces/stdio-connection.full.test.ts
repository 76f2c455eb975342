/** `claude-edge stdio` over connections that break. */
import { randomUUID } from "node:crypto";

import { describe, expect, test } from "vitest";

import { breakableProxy } from "../../cli/test/support/proxy.js";
import { useStack } from "../support/stack.js";
import { says, STREAM, useStdio } from "../support/stdio.js";

const ACCOUNT = "stdio-connection";

const stack = useStack();
const { start } = useStdio(stack, ACCOUNT);

type Frame = Record<string, unknown>;

const isResult = ({ type }: Frame) => type === "result";

/** The text of a piece of the answer. */
function pieceOf({ type, event }: Frame): string {
  const { delta } = (event ?? {}) as { delta?: { text?: string } };
  return type === "stream_event" ? (delta?.text ?? "") : "";
}

describe("claude-edge stdio over a connection that breaks", () => {
  test("goes on behind the last event, and asks and prints everything once", async () => {
    const proxy = await breakableProxy(stack.stack.url);
    const flags = ["--include-partial-messages", "--permission-mode=default"];
    const shim = start([...STREAM, ...flags, "--permission-prompt-tool=stdio"], {
      CLAUDE_EDGE_URL: proxy.url,
    });
    const cut = () => {
      proxy.cut();
      setImmediate(proxy.mend);
    };
    const pieces = Array.from({ length: 8 }, (_, n) => `%say Piece ${n}.\n%wait 100`).join("\n");
    shim.write(says(`${pieces}\n%tool Bash {"command":"echo x > x.txt"}\n%say Done.`));
    for (const n of [1, 3, 6]) {
      await shim.frame((frame) => pieceOf(frame).includes(`${n}`));
      cut();
    }
    const { request_id } = await shim.frame(({ type }) => type === "control_request");
    cut();
    shim.write({
      type: "control_response",
      response: { subtype: "success", request_id, response: { behavior: "allow" } },
    });
    expect(await shim.frame(isResult)).toMatchObject({ result: "Done.", permission_denials: [] });
    shim.end();
    expect(await shim.ended).toMatchObject({ code: 0, stderr: "" });
    await proxy.close();

    const uuids = shim.frames.flatMap(({ uuid }) => (uuid === undefined ? [] : [uuid]));
    expect(new Set(uuids).size).toBe(uuids.length);
    const text = shim.frames.map(pieceOf).join("");
    const numbers = [...text.matchAll(/Piece (\d)\./g)].map(([, n]) => Number(n));
    expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(shim.frames.filter(({ type }) => type === "control_request")).toHaveLength(1);
  });

  test("sees the same over connections that last for ten events each", async () => {
    const run = async (url: string) => {
      const flags = ["--include-partial-messages", "--permission-mode=default"];
      const shim = start([...STREAM, ...flags, "--permission-prompt-tool=stdio"], {
        CLAUDE_EDGE_URL: url,
      });
      shim.write(says('%tokens 60\n%tool Bash {"command":"echo x > x.txt"}\n%tokens 60'));
      const { request_id } = await shim.frame(({ type }) => type === "control_request");
      const response = { subtype: "success", request_id, response: { behavior: "allow" } };
      shim.write({ type: "control_response", response });
      await shim.frame(isResult);
      shim.end();
      expect(await shim.ended).toMatchObject({ code: 0, stderr: "" });
      return shim.frames.map((frame) => {
        const { type, subtype, event } = frame;
        return [type, subtype, (event as Frame | undefined)?.type, pieceOf(frame)];
      });
    };
    const whole = await run(stack.stack.url);
    const proxy = await breakableProxy(stack.stack.url, { cutAfter: 10 });
    const broken = await run(proxy.url);
    await proxy.close();
    expect(whole.length).toBeGreaterThan(100);
    expect(broken).toEqual(whole);
  });

  test("that stays away ends with a result that says so, and the turn goes on", async () => {
    const proxy = await breakableProxy(stack.stack.url);
    const sessionId = randomUUID();
    const shim = start([...STREAM, "--session-id", sessionId], { CLAUDE_EDGE_URL: proxy.url });
    shim.write(says("%say First.\n%wait 2000\n%say Last."));
    await shim.frame(({ subtype }) => subtype === "init");
    await proxy.close();
    const { code, stderr } = await shim.ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(shim.frames.filter(isResult)).toMatchObject([
      {
        subtype: "error_during_execution",
        is_error: true,
        session_id: sessionId,
        errors: [expect.stringMatching(/^stream_interrupted: /)],
      },
    ]);
    const resumed = start([...STREAM, "--resume", sessionId]);
    resumed.write(says("%say Found."));
    resumed.end();
    expect(await resumed.ended).toMatchObject({ code: 0 });
    const session = stack.client(ACCOUNT).sessions.open(sessionId);
    const texts: string[] = [];
    for await (const event of session.events({ follow: false })) {
      if (event.kind === "turn" && event.status === "completed") texts.push(event.result!.text);
    }
    expect(texts[0]).toContain("Last.");
    expect(texts[1]).toBe("Found.");
  });
});
