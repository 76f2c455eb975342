import { ASSUMED, INSTANCES, MEASURED, PRICES } from "./figures.mjs";

const OBJECT_GB = 0.128;

/**
 * Dollars a turn, by what they are paid for. The model is not in it.
 * @param lingerSeconds How long a container is kept after the last of `turnsPerWake` turns, which follow each other.
 */
export function costOfTurn({ instance, lingerSeconds, turnsPerWake }) {
  const { memoryGib, diskGb } = INSTANCES[instance];
  const seconds = ASSUMED.turnSeconds + lingerSeconds / turnsPerWake;
  const cpuSeconds = MEASURED.cpuSecondsPerTurn + MEASURED.cpuSecondsPerStart / turnsPerWake;
  const items = {
    memory: seconds * memoryGib * PRICES.containerGibSecond,
    disk: seconds * diskGb * PRICES.diskGbSecond,
    cpu: cpuSeconds * PRICES.containerVcpuSecond,
    objects:
      seconds * ASSUMED.objects * OBJECT_GB * PRICES.objectGbSecond +
      ASSUMED.objectRequestsPerTurn * PRICES.objectRequest,
    rows: MEASURED.rowsPerTurn * PRICES.rowWritten,
  };
  return { ...items, total: Object.values(items).reduce((sum, item) => sum + item, 0) };
}
