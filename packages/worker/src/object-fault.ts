import { EdgeError, toWireError } from "@claude-edge/protocol";

/** What the runtime adds to errors of its own that come from a call to a Durable Object. */
interface ObjectFault {
  /** The object has more to do than it can. Calling it again at once makes that worse. */
  overloaded?: unknown;
  /** The call failed on its way, or the object was moved. */
  retryable?: unknown;
  /** The object was reset in the middle of the call. */
  durableObjectReset?: unknown;
}

const faultOf = (thrown: unknown): ObjectFault =>
  thrown instanceof Error ? (thrown as ObjectFault) : {};

/** Whether a Durable Object could not take a call because it has too much to do. */
export const isOverloaded = (thrown: unknown): boolean => faultOf(thrown).overloaded === true;

/** Whether the object was reset, or the way to it broke. The call may have had its effect. */
export function isReset(thrown: unknown): boolean {
  const { retryable, durableObjectReset } = faultOf(thrown);
  return !isOverloaded(thrown) && (retryable === true || durableObjectReset === true);
}

/** When to come back to an object that has too much to do, seconds. */
const OVERLOADED_S = 5;

/** What the runtime says of a method that an object of another version does not have. */
const NO_METHOD = /RPC receiver does not implement the method/;

/**
 * Whether the object is of another version than its caller, and has no such method. Nothing was done. Not when the object
 * itself waited for another one in vain: it may have done something before.
 */
export function isVersionSkew(thrown: unknown): boolean {
  const { code, details } = toWireError(typed(thrown));
  return code === "version_skew" && details?.waited_s === undefined;
}

/** An error of the runtime's as one of ours, where there is one for it. */
export function typed(thrown: unknown): unknown {
  if (isOverloaded(thrown)) {
    const message = "The deployment has too much to do.";
    return new EdgeError("overloaded", message, { retry_after_s: OVERLOADED_S }, thrown);
  }
  const isSkew = thrown instanceof Error && NO_METHOD.test(thrown.message);
  return isSkew ? versionSkew("an object lacks a method") : thrown;
}

/** A method by its name, as callers of another version may ask for it. @throws EdgeError `version_skew`. */
export function methodNamed(target: object, name: string): (...args: unknown[]) => unknown {
  const method = (target as Record<string, unknown>)[name];
  if (typeof method === "function") return method.bind(target) as (...args: unknown[]) => unknown;
  throw versionSkew(`there is no ${name}`);
}

export const versionSkew = (what: string): EdgeError =>
  new EdgeError("version_skew", `Parts of the deployment are of different versions: ${what}.`);
