import type { Env } from "../env.js";

/** Names the deployment that a container's request comes from. */
export const ORIGIN_MARK = "x-claude-edge-container-of";

/**
 * What a deployment knows its own containers' requests by: it refuses them, and those of other deployments it does not. An
 * object's id differs from deployment to deployment and is no secret.
 */
export function originMark({ DEPLOYMENT }: Pick<Env, "DEPLOYMENT">): string {
  return DEPLOYMENT.idFromName("containers").toString();
}
