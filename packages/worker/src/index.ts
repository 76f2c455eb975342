import { app } from "./http/app.js";

export { AccountDO } from "./account/account-do.js";
export { ContainerDO } from "./container-do.js";
export type { Env } from "./env.js";
export { Gateway, type GatewayProps } from "./gateway.js";

/** The Worker's fetch handler. Mount it beside own routes, or export it as it is. */
export default app;
