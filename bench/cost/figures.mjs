/** What the cost of a deployment is made of. docs/production.md has the sources. */

/** US dollars, Cloudflare's prices of November 2026. The allowances of the Workers Paid plan are left out. */
export const PRICES = {
  /** A GB-second of an object in memory, which counts as 0.128 GB. */
  objectGbSecond: 12.5e-6,
  objectRequest: 0.15e-6,
  rowWritten: 1e-6,
  /** Of a container: provisioned memory and disk while it runs, and the CPU that it uses. */
  containerGibSecond: 2.5e-6,
  containerVcpuSecond: 2e-5,
  diskGbSecond: 7e-8,
};

/** Sizes of containers: Cloudflare's table of instance types. */
export const INSTANCES = {
  basic: { memoryGib: 1, diskGb: 4 },
  "standard-1": { memoryGib: 4, diskGb: 8 },
};

/** Measured. */
export const MEASURED = {
  /** `node bench/rows.mjs`: a turn of 91 events, 20 of them checkpoints of five files. */
  rowsPerTurn: 402,
  /** One run of `node bench/cost.mjs --measure`: the container's processes in that turn, and up to a first answer. */
  cpuSecondsPerTurn: 5.3,
  cpuSecondsPerStart: 3.8,
};

/** Assumed: every deployment has its own. */
export const ASSUMED = {
  turnSeconds: 120,
  /** Objects in memory while a turn runs and its container lingers: session, account, container. */
  objects: 3,
  /** Requests to objects in a turn: model calls that are counted, steps of the turn, alarms. */
  objectRequestsPerTurn: 100,
};

/** Turns between two sleeps of a container. The whole linger and a start are paid for once for all of them. */
export const TURNS_PER_WAKE = { alone: 1, together: 10 };

export const LINGER_SECONDS = { template: 300, worker: 1_200 };
