/**
 * The template's Worker with a way to reset one Durable Object, as a deployment of a new version does one by one while
 * the others and the Worker's requests go on, and one to change a session's database.
 */
export const RESETTABLE_WORKER = `
import claudeEdge, * as edge from "@claude-edge/worker";
import type { Env } from "@claude-edge/worker";

export { DeploymentDO, Gateway } from "@claude-edge/worker";

export class AccountDO extends edge.AccountDO {
  reset() {
    this.ctx.abort("reset");
  }
}
export class SessionDO extends edge.SessionDO {
  reset() {
    this.ctx.abort("reset");
  }
  sql(query: string) {
    return this.ctx.storage.sql.exec(query).toArray();
  }
}
export class ContainerDO extends edge.ContainerDO {
  reset() {
    this.ctx.abort("reset");
  }
}

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/sql/")) {
      const session = env.SESSION.getByName(pathname.slice("/sql/".length)) as unknown as {
        sql(query: string): Promise<object[]>;
      };
      return Response.json(await session.sql(await request.text()));
    }
    const [, kind, name] = /^\\/reset\\/(ACCOUNT|SESSION|CONTAINER)\\/(.+)$/.exec(pathname) ?? [];
    if (kind === undefined || name === undefined) return claudeEdge.fetch(request, env, ctx);
    const object = env[kind as "ACCOUNT"].getByName(name) as unknown as { reset(): Promise<void> };
    await Promise.resolve(object.reset()).catch(() => {});
    return new Response("");
  },
};
`;

/** Resets an object of a stack whose Worker is {@link RESETTABLE_WORKER}. `name`: as the object is addressed. */
export async function resetObject(
  url: string,
  kind: "ACCOUNT" | "SESSION" | "CONTAINER",
  name: string,
): Promise<void> {
  const response = await fetch(`${url}/reset/${kind}/${name}`, { method: "POST" });
  await response.text();
}

/** Runs a query in the database of a session of such a stack. `session`: its account's name and its id. */
export async function querySession(
  url: string,
  session: string,
  query: string,
): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${url}/sql/${session}`, { method: "POST", body: query });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Record<string, unknown>[];
}
