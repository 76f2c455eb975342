import { ProtocolError } from "./errors.js";

interface Schema<Value> {
  safeParse(value: unknown): { success: true; data: Value } | { success: false; error: unknown };
}

/** Reads an answer of the deployment. @throws ProtocolError when it does not have the form it should. */
export function parseAnswer<Value>(schema: Schema<Value>, value: unknown): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProtocolError("The answer does not have the form this client knows.", {
    cause: parsed.error,
  });
}
