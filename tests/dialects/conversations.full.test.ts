import { expect, test } from "vitest";

import { conversationsClient } from "../support/conversations.js";
import { useDialects } from "../support/dialects.js";

const edge = useDialects();
const { call, stream, begin } = conversationsClient(edge);

test("a container that is killed in mid-turn: the turn goes on in another", async () => {
  const how = { account: "conversations-killed" };
  const prompt = "%say Half a talk.\n%wait 3000\n%say Whole.";
  const streamed = stream("/stream", { prompt }, how);
  await edge.untilAsked("%say Half a talk.");
  await edge.killContainer(how.account);
  const events = await streamed;
  expect(events.at(-1)).toMatchObject({ type: "done" });
  expect(events.map(({ type }) => type)).not.toContain("error");

  const id = await begin({}, how);
  const path = `/conversations/${id}/messages`;
  const asked = call(path, { prompt: `${prompt} A talk again.` }, how);
  await edge.untilAsked("A talk again.");
  await edge.killContainer(how.account);
  const response = expect.stringContaining("Whole.");
  expect(await asked).toMatchObject({ status: 200, response });
  expect(await call(path, { prompt: "%say Up." }, how)).toMatchObject({ response: "Up." });
});
