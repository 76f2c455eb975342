/** An alarm is never set for sooner than this, milliseconds: what is overdue must not run in a loop. */
const SOONEST_MS = 100;

/**
 * Sets an object's alarm for the earliest of some times, or removes it when there is none. One that is set for earlier
 * stays.
 * @param dueTimes Milliseconds since 1970, as of when it is called: after it nothing comes in between, so of two calls at
 * once neither undoes what the other has seen to. Undefined: the alarm stays as it is.
 */
export async function armAlarm(
  storage: DurableObjectStorage,
  dueTimes: () => (number | undefined)[] | undefined,
): Promise<void> {
  const armed = await storage.getAlarm();
  const times = dueTimes()?.filter((time) => time !== undefined);
  if (!times) return;
  if (times.length === 0) {
    if (armed !== null) await storage.deleteAlarm();
    return;
  }
  const next = Math.max(Math.min(...times), Date.now() + SOONEST_MS);
  if (armed === null || armed > next) await storage.setAlarm(next);
}
