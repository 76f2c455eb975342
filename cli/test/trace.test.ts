import { expect, test } from "vitest";

import { useAccounts } from "./support/accounts.js";

const { edge, cli } = useAccounts("trace");

test("claude-edge trace shows where the time of a turn went", async () => {
  const client = edge.client("traced");
  const session = await client.sessions.create({ permissionMode: "bypassPermissions" });
  await session.send("%say First.");
  const command = { command: "echo changed > file; sleep 0.3" };
  const { turnId } = await session
    .send(`%tool Bash ${JSON.stringify(command)}\n%say Done.`)
    .result();
  const { code, stdout } = await cli("traced", ["trace", session.id.slice(0, 8)]);
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^turn ${turnId}: completed after .*, first token after`));
  expect(stdout).toMatch(/^queue +█ +\d+ ms$/m);
  expect(stdout).toMatch(/^process .* (hot|new)$/m);
  expect(stdout).toMatch(/^tool Bash .*█ +[\d.]+ m?s$/m);
  expect(stdout).toMatch(/^checkpoint .* 1 changed$/m);

  const asJson = await cli("traced", ["trace", session.id, turnId.slice(0, 8), "--json"]);
  const trace = JSON.parse(asJson.stdout);
  expect(trace).toMatchObject({ session_id: session.id, turn_id: turnId, status: "completed" });
  const models = trace.steps.filter(({ kind }: { kind: string }) => kind === "model");
  expect(models).toHaveLength(2);
  for (const { attributes, start, end } of models) {
    expect(attributes).toMatchObject({
      output_tokens: expect.any(Number),
      answered_ms: expect.any(Number),
    });
    expect(trace.start <= start && start <= end).toBe(true);
  }
  const resource = await session.turns({ limit: 1 }).next();
  const at = (time: string) => Date.parse(time);
  const { created_at, started_at, first_token_at, ended_at } = resource.value!;
  expect(at(created_at) <= at(started_at!) && at(started_at!) <= at(first_token_at!)).toBe(true);
  expect(at(first_token_at!) < at(ended_at!)).toBe(true);
});

test("without a turn it says so, and a turn that is not there is not found", async () => {
  const session = await edge.client("empty").sessions.create({});
  expect(await cli("empty", ["trace", session.id])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining("has no turn yet"),
  });
  const turn = "00000000-0000-4000-8000-000000000000";
  expect(await cli("empty", ["trace", session.id, turn])).toMatchObject({ code: 5 });
});
