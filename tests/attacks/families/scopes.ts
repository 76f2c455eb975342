import { refused, works, type Attack, type Family } from "../attack.ts";
import { bodyOf, pathOf, type Route } from "../routes.ts";
import type { World } from "../world.ts";

const SCOPES = ["query", "sessions:read", "sessions:write", "requests:answer", "files"] as const;

/** A token of too little scope, or of one session alone, at every route there is. */
export async function scopes(world: World): Promise<Family> {
  const { alice, ask, mint, routes } = world;
  const closed = routes.filter(({ access }) => access !== "open");
  const expected = ({ dialect }: Route) =>
    dialect ? { status: 403 } : { status: 403, code: "forbidden" };
  const at = (route: Route, key: string, ids = alice) =>
    ask(pathOf(route, ids), { method: route.method, key, ...bodyOf(route) });

  const attacks: Attack[] = [];
  for (const route of closed) {
    const { method, path, access } = route;
    const isOneEnough = typeof access !== "string" && access.also === undefined;
    const enough: readonly string[] = isOneEnough ? access.scopes : [];
    for (const scope of SCOPES.filter((name) => !enough.includes(name))) {
      const key = await mint({ account: "alice", scopes: [scope] });
      attacks.push(refused(`${scope}: ${method} ${path}`, () => at(route, key), expected(route)));
    }
    if (access === "root key") {
      const key = await mint({ account: "alice", scopes: ["admin"] });
      attacks.push(refused(`admin: ${method} ${path}`, () => at(route, key), expected(route)));
    }
  }

  // For one session: with every scope it stays there.
  const key = await mint({ account: "alice", scopes: ["admin"], sessionId: alice.asking });
  for (const route of closed) {
    const { method, path, access } = route;
    const name = `for another session: ${method} ${path}`;
    if (typeof access !== "string" && access.session === "held") {
      if (!path.includes(":request")) continue;
      const other = { status: 404, code: "request_not_found" };
      const outside = await mint({ account: "alice", scopes: ["admin"], sessionId: alice.session });
      attacks.push(refused(name, () => at(route, outside), other));
    } else {
      attacks.push(refused(name, () => at(route, key), expected(route)));
    }
  }
  const spellings = [
    alice.session.toUpperCase(),
    `${alice.asking}%2F..%2F${alice.session}`,
    `${alice.asking}/../${alice.session}`,
    `%${alice.session.charCodeAt(0).toString(16)}${alice.session.slice(1)}`,
    `${alice.asking}%00${alice.session}`,
    `${alice.asking},${alice.session}`,
    `${alice.asking}%20`,
  ];
  for (const spelling of spellings) {
    attacks.push(
      refused(
        `for another session: /v1/sessions/${spelling}`,
        () => ask(`/v1/sessions/${spelling}`, { key }),
        { status: 403, code: "forbidden" },
      ),
    );
  }
  const other = {
    key,
    headers: { "x-http-method-override": "GET", "x-original-url": "/v1/usage" },
  };
  const heads = await mint({ account: "alice", scopes: ["files"] });
  attacks.push(
    refused("another path in a header", () => ask("/v1/sessions", other), {
      status: 403,
      code: "forbidden",
    }),
    refused("HEAD in GET's place", () => ask("/v1/sessions", { method: "HEAD", key: heads }), {
      status: 403,
    }),
    refused(
      "another session's turn by the query",
      () =>
        ask(`/v1/sessions/${alice.asking}/events?turn=${alice.turn}`, {
          key,
          headers: { accept: "text/event-stream" },
        }),
      { status: 404, code: "turn_not_found" },
    ),
    refused(
      "another session's request as a cursor",
      async () =>
        ask(`/v1/requests?after=${alice.request}`, {
          key: await mint({ account: "alice", sessionId: alice.session }),
        }),
      { status: 404, code: "request_not_found" },
    ),
    refused(
      "starting a container by reading",
      async () =>
        ask("/v1/status?start=true", {
          key: await mint({ account: "alice", scopes: ["sessions:read"] }),
        }),
      { status: 403, code: "forbidden" },
    ),
  );

  return {
    controls: [
      works("the session it is for", () => ask(`/v1/sessions/${alice.asking}`, { key })),
      works("its requests", () => ask(`/v1/requests/${alice.request}`, { key })),
      ...closed
        .filter(
          ({ method, dialect, access }) => method === "GET" && !dialect && access !== "root key",
        )
        .filter(({ path }) => !/:turn|:request|:webhook|status\/stream/.test(path))
        .map((route) =>
          works(`every scope: ${route.method} ${route.path}`, async () =>
            at(route, await mint({ account: "alice", scopes: ["admin"] })),
          ),
        ),
    ],
    attacks,
  };
}
