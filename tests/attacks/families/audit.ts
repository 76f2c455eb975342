import { SCOPES } from "@claude-edge/protocol";

import { holds, refused, works, type Family } from "../attack.ts";
import type { World } from "../world.ts";

const FORBIDDEN = { status: 403, code: "forbidden" };
const INVALID = { status: 400, code: "invalid_request" };

/** The audit log: another account's, without the scope, and what it must not hold. */
export async function audit(world: World): Promise<Family> {
  const { ask, mint, stack, mallory } = world;
  const key = await mint({ account: "mallory", scopes: ["admin"] });
  const alice = await mint({ account: "alice", scopes: ["admin"] });
  const secret = "alices-own-value-of-a-secret";
  const entries = async (given: string, account?: string) =>
    ask("/v1/audit?limit=1000", { key: given, ...(account && { account }) });
  const set = await ask("/v1/secrets/AUDITED", {
    method: "PUT",
    key: alice,
    json: { value: secret, hosts: ["api.example.com"] },
  });
  const minted = await ask("/v1/tokens", { method: "POST", key: alice, json: { name: "alices" } });
  const { id } = JSON.parse(minted.text) as { id: string };

  return {
    controls: [
      holds("Alice's secret was set", async () => (set.status === 200 ? undefined : set.text)),
      works("Alice's log, by Alice", () => entries(alice)),
      works("Alice's log, by the root key", () => entries(stack.token, "alice")),
      holds("with her token in it", async () => {
        const { text } = await entries(alice);
        return text.includes(id) && text.includes("AUDITED") ? undefined : text;
      }),
    ],
    attacks: [
      refused("Alice's, by name", () => entries(key, "alice"), FORBIDDEN),
      ...SCOPES.filter((scope) => scope !== "admin").map((scope) =>
        refused(
          `her own, with ${scope} alone`,
          async () => entries(await mint({ account: "mallory", scopes: [scope] })),
          FORBIDDEN,
        ),
      ),
      refused(
        "her own, by an admin's token for one session",
        async () =>
          entries(
            await mint({ account: "mallory", scopes: ["admin"], sessionId: mallory.session }),
          ),
        FORBIDDEN,
      ),
      refused("with no token", () => entries("x"), { status: 401, code: "unauthorized" }),
      holds("Alice's, in Mallory's own", async () => {
        const { text } = await entries(key);
        return text.includes(id) || text.includes("AUDITED") ? text : undefined;
      }),
      holds("a value of a secret, or a token", async () => {
        const { text } = await entries(alice);
        return text.includes(secret) || text.includes("eyJ") ? text : undefined;
      }),
      ...["DELETE", "PUT", "POST", "PATCH"].map((method) =>
        refused(`${method} the log`, () => ask("/v1/audit", { method, key: stack.token }), {
          status: 405,
          code: "method_not_allowed",
        }),
      ),
      ...["-1", "1e3", "x", "9999999999999999", "1;2", "%00"].map((after) =>
        refused(`the cursor ${after}`, () => ask(`/v1/audit?after=${after}`, { key }), INVALID),
      ),
      ...["0", "1001", "-1", "x"].map((limit) =>
        refused(`${limit} entries`, () => ask(`/v1/audit?limit=${limit}`, { key }), INVALID),
      ),
    ],
  };
}
