import { expect, test } from "vitest";

import { anthropic, ask, failure } from "../support/anthropic.js";
import { useCredential } from "../support/credential.js";

const edge = useCredential("ANTHROPIC_AUTH_TOKEN");
const MODEL = "litellm/gpt-x";

test("the Messages API reaches any model behind a proxy, by its token", async () => {
  const client = anthropic(edge);
  const message = await client.messages.create(ask("%say From afar.", { model: MODEL }));
  expect(message).toMatchObject({ model: MODEL, content: [{ text: "From afar." }] });
  const streamed = client.messages.stream(ask("%say From afar.", { model: MODEL }));
  expect(await streamed.finalText()).toBe("From afar.");
  const [{ headers }] = edge.model.requests as [(typeof edge.model.requests)[0]];
  expect(headers.authorization).toBe(`Bearer ${edge.model.key}`);
  expect(headers["x-api-key"]).toBeUndefined();
  expect(edge.stack.containers()).toEqual([]);
});

test("so does an agent", async () => {
  const prompt = '%tool Bash {"command":"echo $((6*7))"}\n%say Forty-two.';
  const options = { model: MODEL, allowedTools: ["Bash"] };
  const { text } = await edge.client("litellm").query(prompt, options);
  expect(text).toBe("Forty-two.");
  const { body, headers } = edge.model.requests.at(-1)!;
  expect(body.model).toBe(MODEL);
  expect(JSON.stringify(body.messages)).toContain("42");
  expect(headers.authorization).toBe(`Bearer ${edge.model.key}`);
});

test("an error of the proxy's is an error of both", async () => {
  const wrong = ask("%error 404", { model: MODEL });
  expect(await failure(anthropic(edge).messages.create(wrong))).toMatchObject({ status: 404 });
  const turn = edge.client("litellm").query("%error 404", { model: MODEL }).result();
  expect(await failure(turn)).toMatchObject({ code: "model_not_found" });
});
