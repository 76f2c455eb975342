/** The source of a Worker that counts the rows its objects write: what Cloudflare bills besides requests. */
export const COUNTING_WORKER = `
import claudeEdge, * as edge from "@claude-edge/worker";
import type { Env } from "@claude-edge/worker";

export { DeploymentDO, Gateway } from "@claude-edge/worker";

type Written = { object: string; what: string; cursor: { rowsWritten: number } };

// All objects of a local workerd share an isolate.
let written: Written[] = [];

function countRows(object: string, { storage }: DurableObjectState) {
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  sql.exec = ((query: string, ...bindings: unknown[]) => {
    const cursor = exec(query, ...bindings);
    // It is complete once its rows have been read, so it is looked at later.
    written.push({ object, what: query.replace(/\\\\s+/g, " ").trim(), cursor });
    return cursor;
  }) as typeof sql.exec;
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = (...args: Parameters<typeof setAlarm>) => {
    written.push({ object, what: "setAlarm", cursor: { rowsWritten: 1 } });
    return setAlarm(...args);
  };
}

export class AccountDO extends edge.AccountDO {
  constructor(ctx: DurableObjectState, env: Env) {
    countRows("account", ctx);
    super(ctx, env);
  }
}
export class SessionDO extends edge.SessionDO {
  constructor(ctx: DurableObjectState, env: Env) {
    countRows("session", ctx);
    super(ctx, env);
  }
}
export class ContainerDO extends edge.ContainerDO {
  constructor(ctx: DurableObjectState, env: Env) {
    countRows("container", ctx);
    super(ctx, env);
  }
}

/** What was written since the last look, by statement. */
function takeCounts() {
  const sums = new Map<string, { object: string; what: string; times: number; rows: number }>();
  for (const { object, what, cursor } of written) {
    const rows = cursor.rowsWritten;
    if (rows === 0) continue;
    const sum = sums.get(object + what) ?? { object, what, times: 0, rows: 0 };
    sums.set(object + what, { ...sum, times: sum.times + 1, rows: sum.rows + rows });
  }
  written = [];
  return [...sums.values()].sort((one, two) => two.rows - one.rows);
}

export default {
  fetch(request: Request, env: Env, ctx: ExecutionContext) {
    const { pathname } = new URL(request.url);
    return pathname === "/rows" ? Response.json(takeCounts()) : claudeEdge.fetch(request, env, ctx);
  },
};
`;
