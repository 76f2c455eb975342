// The Worker's entry. The Durable Objects and the gateway must be exported from here.
import claudeEdge, { type Env } from "@claude-edge/worker";

export { AccountDO, ContainerDO, DeploymentDO, Gateway, SessionDO } from "@claude-edge/worker";

export default {
  fetch(request, env, context) {
    const { pathname } = new URL(request.url);

    // Routes of your own go here, before the API's: a page, a webhook, a login that hands out account tokens.
    if (pathname === "/hello") return new Response("This is an agent. Its API is under /v1.\n");

    return claudeEdge.fetch(request, env, context);
  },
} satisfies ExportedHandler<Env>;
