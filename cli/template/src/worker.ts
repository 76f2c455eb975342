// The whole Worker. Routes of your own: make a Hono app, mount this one with `app.route("/", claudeEdge)`.
export { AccountDO, ContainerDO, Gateway, default } from "@claude-edge/worker";
