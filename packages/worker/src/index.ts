import { DIALECTS } from "./dialects/index.js";
import { createApp } from "./http/app.js";

export { AccountDO } from "./account/account-do.js";
export { ContainerDO } from "./container/container-do.js";
export { DeploymentDO } from "./deployment/deployment-do.js";
export type { Env } from "./env.js";
export { SessionDO } from "./session/session-do.js";
export { Gateway, type GatewayProps } from "./egress/gateway.js";

/** The Worker's fetch handler. Export it as it is, or mount it next to your own routes. */
export default createApp(DIALECTS);
