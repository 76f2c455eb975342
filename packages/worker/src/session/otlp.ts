import { VERSION } from "../version.js";

/** OTLP's JSON encoding, as far as it is sent: ids in hexadecimal digits, 64-bit numbers as texts. */
export type Value =
  | { stringValue: string }
  | { intValue: string }
  | { doubleValue: number }
  | { boolValue: boolean };

export interface Attribute {
  key: string;
  value: Value;
}

/** Attributes; those that are undefined are left out. */
export const attributesOf = (
  given: Record<string, string | number | boolean | undefined>,
): Attribute[] =>
  Object.entries(given).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: valueOf(value) }],
  );

function valueOf(value: string | number | boolean): Value {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** A time in milliseconds since 1970, in nanoseconds. */
export const nanos = (ms: number): string => String(BigInt(Math.round(ms)) * 1_000_000n);

/** What all that is sent comes from. */
export const RESOURCE: { attributes: Attribute[] } = {
  attributes: attributesOf({ "service.name": "claude-edge", "service.version": VERSION }),
};

export const SCOPE: { name: string; version: string } = { name: "claude-edge", version: VERSION };
