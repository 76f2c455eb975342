import { describe, expect, test } from "vitest";

import { parseScript, ScriptError, type Answer } from "./script.js";

const one = (answer: Partial<Answer>): Answer[] => [{ actions: [], ...answer }];

describe("a script", () => {
  test("is the lines that begin with %, wherever they stand", () => {
    const prompt = "Please do this:\n  %say Hi.\nand\n%think Hm.";
    expect(parseScript(prompt)).toEqual(
      one({
        actions: [
          { do: "say", text: "Hi." },
          { do: "think", text: "Hm." },
        ],
      }),
    );
    expect(parseScript("100% of it\n50 %say no")).toBeUndefined();
  });

  test("has an answer for each round of tools", () => {
    const script = parseScript('%say First.\n%tool a {"x":1}\n%tool b\n%say Second.\n%tool c {}')!;
    expect(script.map(({ actions }) => actions)).toEqual([
      [
        { do: "say", text: "First." },
        { do: "tool", name: "a", input: { x: 1 } },
        { do: "tool", name: "b", input: {} },
      ],
      [
        { do: "say", text: "Second." },
        { do: "tool", name: "c", input: {} },
      ],
    ]);
  });

  test("has an answer for each turn that it causes in the background", () => {
    const script = parseScript("%tool a\n%next\n%say First.\n%next\n%say Second.")!;
    expect(script.map(({ actions }) => actions)).toEqual([
      [{ do: "tool", name: "a", input: {} }],
      [{ do: "say", text: "First." }],
      [{ do: "say", text: "Second." }],
    ]);
  });

  test.each<[string, Answer[]]>([
    ["%wait 500", one({ actions: [{ do: "wait", ms: 500 }] })],
    ["%refuse", one({ actions: [{ do: "refuse" }] })],
    ["%cache 900 100 40", one({ actions: [{ do: "cache", read: 900, created: 100, anHour: 40 }] })],
    ["%tokens 2", one({ actions: [{ do: "say", text: "word1 word2" }] })],
    ["%error 429", one({ error: { status: 429, times: Infinity } })],
    ["%error 529 2 7", one({ error: { status: 529, times: 2, retryAfterS: 7 } })],
    ["%fail overloaded_error", one({ fail: { type: "overloaded_error", times: Infinity } })],
    ["%fail api_error 2", one({ fail: { type: "api_error", times: 2 } })],
    ["%repeat", one({ repeats: true })],
    ["%drop", one({ drop: { times: Infinity } })],
    ["%drop 2", one({ drop: { times: 2 } })],
    ["%cut", one({ cut: { times: Infinity, ms: 0 } })],
    ["%cut 2", one({ cut: { times: 2, ms: 0 } })],
    ["%cut 1 500", one({ cut: { times: 1, ms: 500 } })],
  ])("%s", (prompt, answers) => {
    expect(parseScript(prompt)).toEqual(answers);
  });

  test("of bytes comes in words of 4 kB", () => {
    const [answer] = parseScript("%bytes 10000")!;
    const [action] = answer!.actions;
    expect(action).toMatchObject({ do: "say" });
    expect((action as { text: string }).text.split(" ").map(({ length }) => length)).toEqual([
      4095, 4095, 4095,
    ]);
  });

  test.each(["%dance", "%tool a {", "%wait soon", "%error -1", "%fail", "%fail Not one", "%cut x"])(
    "that cannot be read says so: %s",
    (prompt) => {
      expect(() => parseScript(prompt)).toThrow(ScriptError);
    },
  );
});
