import { expect, test } from "vitest";

import { useOwnStack } from "../support/stack.js";
import { useProject } from "../support/use-project.js";

/** Objects that are older than the Worker: each lacks a method. */
const OLDER_OBJECTS = `
import claudeEdge, * as edge from "@claude-edge/worker";

export { ContainerDO, DeploymentDO, Gateway } from "@claude-edge/worker";

export class AccountDO extends edge.AccountDO {}
export class SessionDO extends edge.SessionDO {}
for (const [object, method] of [[AccountDO, "admitTurn"], [SessionDO, "listTurns"]] as const) {
  Object.defineProperty(object.prototype, method, { value: undefined });
}

export default claudeEdge;
`;

const edge = useOwnStack({ project: useProject({ "src/worker.ts": OLDER_OBJECTS }) });

test("a method that an object lacks is waited for, once on the whole way, and is told as version_skew then", async () => {
  const account = "skew";
  const session = await edge.client(account).sessions.create();
  const path = `/v1/sessions/${session.id}/turns`;
  const asked = async (init?: { json: unknown }) => {
    const begunAt = Date.now();
    const response = await edge.fetch(path, { account, ...init });
    const { error } = (await response.json()) as { error: unknown };
    return { status: response.status, error, ms: Date.now() - begunAt };
  };
  // By the Worker of the session, and by the session of its account.
  for (const answer of await Promise.all([asked(), asked({ json: { prompt: "%say Hello." } })])) {
    expect(answer).toMatchObject({
      status: 503,
      error: { code: "version_skew", retryable: true, details: { waited_s: 10 } },
    });
    expect(answer.ms).toBeGreaterThanOrEqual(10_000);
    expect(answer.ms).toBeLessThan(20_000);
  }
});
