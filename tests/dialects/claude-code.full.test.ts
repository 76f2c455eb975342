import { expect, test } from "vitest";

import { claudeCodeClient } from "../support/claude-code.js";
import { useDialects } from "../support/dialects.js";

const edge = useDialects();
const { stream, whole } = claudeCodeClient(edge);

test("a container that is killed in mid-turn, streaming or not: the turn goes on in another", async () => {
  const account = "claude-code-killed";
  const prompt = "%say Half a program.\n%wait 3000\n%say Whole.";
  const streamed = stream({ prompt }, { account });
  await edge.untilAsked("%say Half a program.");
  await edge.killContainer(account);
  const messages = await streamed;
  expect(messages.at(-1)).toMatchObject({ type: "result", is_error: false });

  const asked = whole({ prompt: `${prompt} A program again.` }, { account });
  await edge.untilAsked("A program again.");
  await edge.killContainer(account);
  expect(await asked).toMatchObject({ status: 200, type: "result", is_error: false });
});
