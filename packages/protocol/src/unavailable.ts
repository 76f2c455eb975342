/** Why there is no container: `details.reason` of `container_unavailable`, each with its way out. */
export const UNAVAILABLE = {
  not_listening:
    "Its process runs and does not answer: look at the container's logs, at what agent.config.ts does when it is loaded, and that the Dockerfile starts the runner.",
  exited:
    "Its process ended by itself: look at the container's logs (Cloudflare dashboard, or what `claude-edge dev` prints).",
  provisioning:
    "A first deploy takes a few minutes to provision its containers: wait, and look with `npx wrangler containers list`.",
  no_instance:
    "All instances are taken: raise max_instances in wrangler.jsonc and deploy, or wait until a container sleeps.",
  rate_limited: "Containers are being started too fast: wait a minute.",
  draining:
    "The platform is replacing it, and its turns are running to their ends: wait, another takes over.",
} as const;

export type UnavailableReason = keyof typeof UNAVAILABLE;

/** The way out that a reason names; undefined for none, or one from a newer version. */
export function suggestionFor(reason: unknown): string | undefined {
  return typeof reason === "string" && Object.hasOwn(UNAVAILABLE, reason)
    ? UNAVAILABLE[reason as UnavailableReason]
    : undefined;
}
