/** Fails unless both are the same as JSON. */
export function equal(what, actual, expected) {
  const [is, should] = [actual, expected].map((value) => JSON.stringify(value) ?? "undefined");
  if (is === should) return;
  throw new Error(`${what}: ${shorten(is)} instead of ${shorten(should)}`);
}

export function holds(what, condition) {
  if (!condition) throw new Error(`does not hold: ${what}`);
}

/** The error that it fails with. */
export async function failure(what, action) {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error(`${what} does not fail`);
}

export const isDelta = (event) => event.kind === "delta";

const shorten = (text) => (text.length > 200 ? `${text.slice(0, 200)}… (${text.length})` : text);
