import { ProtocolError } from "./errors.js";

/** Reads an answer of the deployment. @throws ProtocolError when it does not have the form it should. */
export function parseAnswer<Value>(is: (value: unknown) => value is Value, value: unknown): Value {
  if (is(value)) return value;
  throw new ProtocolError("The answer does not have the form this client knows.");
}
