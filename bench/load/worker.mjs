/** The source of a Worker that counts how often its objects are made: one that is reset is made again. */
export const LOAD_WORKER = `
import claudeEdge, * as edge from "@claude-edge/worker";
import type { Env } from "@claude-edge/worker";

export { DeploymentDO, Gateway } from "@claude-edge/worker";

// All objects of a local workerd share an isolate.
let made: Record<string, number> = {};
const note = (what: string) => void (made[what] = (made[what] ?? 0) + 1);

export class AccountDO extends edge.AccountDO {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    note("account");
  }
}
export class SessionDO extends edge.SessionDO {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    note("session");
  }
}
export class ContainerDO extends edge.ContainerDO {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    note("container");
  }
}

export default {
  fetch(request: Request, env: Env, ctx: ExecutionContext) {
    if (new URL(request.url).pathname !== "/made") return claudeEdge.fetch(request, env, ctx);
    const answer = Response.json(made);
    made = {};
    return answer;
  },
};
`;
