import { expect, test } from "vitest";

import { useDialects } from "../support/dialects.js";

const edge = useDialects();

const ask = async (query: string, accountId: string) => {
  const response = await edge.fetch("/query", { json: { query, accountId } });
  return { status: response.status, ...((await response.json()) as { response?: string }) };
};

test("a second query waits for the first, that of another account does not", async () => {
  // Their containers are there: no start's time is to count.
  await Promise.all([ask("%say Warm.", "query-one"), ask("%say Warm.", "query-two")]);
  const order: string[] = [];
  const then = (name: string, asked: ReturnType<typeof ask>) =>
    asked.then(({ response }) => order.push(`${name}: ${response}`));
  const first = then("first", ask("%wait 15000\n%say One.", "query-one"));
  await edge.untilAsked("%wait 15000");
  const second = then("second", ask("%say Two.", "query-one"));
  const other = then("other", ask("%say Three.", "query-two"));
  await Promise.all([first, second, other]);
  expect(order).toEqual(["other: Three.", "first: One.", "second: Two."]);
});

test("a container that is killed: the query goes on in another", async () => {
  const asked = ask("%say Half a query.\n%wait 3000\n%say Whole.", "query-killed");
  await edge.untilAsked("%say Half a query.");
  await edge.killContainer("query-killed");
  const response = expect.stringContaining("Whole.");
  expect(await asked).toMatchObject({ success: true, status: 200, response });
  expect(await ask("%say Up again.", "query-killed")).toMatchObject({ response: "Up again." });
});
