/** In the place of `cloudflare:workers` where only the Worker's tables are wanted. */
export const DurableObject: ObjectConstructor = Object;
export const WorkerEntrypoint: ObjectConstructor = Object;
export const env: object = {};
