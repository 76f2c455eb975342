/** In the place of `cloudflare:workers` where only the Worker's tables are wanted. */
export class DurableObject {}
export class WorkerEntrypoint {}
export const env: object = {};
