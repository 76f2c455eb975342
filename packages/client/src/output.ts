import { clientError } from "@claude-edge/protocol/wire";

import { ClaudeEdgeError } from "./errors.js";

/** A JSON schema, as an object. */
export type JsonSchema = Record<string, unknown>;

/**
 * A schema of zod, valibot, arktype or any other library that implements Standard Schema and Standard JSON Schema.
 * @see https://standardschema.dev
 */
export interface StandardSchema<Output = unknown> {
  /** As those specifications have it; without `jsonSchema` it is refused with `invalid_request`. */
  readonly "~standard": {
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly output: Output } | undefined;
    readonly jsonSchema?:
      | { readonly input: (options: { target: "draft-07" }) => Record<string, unknown> }
      | undefined;
  };
}

/** What a Standard Schema makes of a value: the output, or why it does not fit. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: unknown }[] };

/** What a turn's output must fit: a schema, or a JSON schema. */
export type OutputSchema = StandardSchema | JsonSchema;

/** The type of an output: as its schema says, `unknown` for a JSON schema. */
export type OutputOf<Schema> = Schema extends StandardSchema<infer Output> ? Output : unknown;

const isStandard = (schema: OutputSchema): schema is StandardSchema => "~standard" in schema;

/** The schema as the agent is given it. @throws ClaudeEdgeError `invalid_request` for one that has no JSON form. */
export function outputFormatOf(schema: OutputSchema): { type: "json_schema"; schema: JsonSchema } {
  if (!isStandard(schema)) return { type: "json_schema", schema };
  const { jsonSchema, vendor } = schema["~standard"];
  if (!jsonSchema) {
    const message = `output: this schema of ${vendor} does not say its JSON schema; pass a JSON schema instead.`;
    throw new ClaudeEdgeError(clientError("invalid_request", message));
  }
  const { $schema: _dialect, ...rest } = jsonSchema.input({ target: "draft-07" });
  return { type: "json_schema", schema: rest };
}

/** The value as the schema makes it. @throws ClaudeEdgeError `output_invalid` when it does not fit. */
export async function checkOutput(
  schema: OutputSchema | undefined,
  value: unknown,
  lastText: string,
): Promise<unknown> {
  if (schema === undefined || !isStandard(schema)) return value;
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return result.value;
  const [issue] = result.issues;
  const details = { issues: result.issues, output: value, last_text: lastText };
  const message = `The output does not fit its schema: ${issue?.message ?? "invalid"}.`;
  throw new ClaudeEdgeError(clientError("output_invalid", message, details));
}
