import type { SdkMessage } from "./events.js";
import type { Usage } from "./resources.js";

/** Our names of figures, and the Agent SDK's. */
const FIELDS = {
  input_tokens: "inputTokens",
  output_tokens: "outputTokens",
  cache_read_input_tokens: "cacheReadInputTokens",
  cache_creation_input_tokens: "cacheCreationInputTokens",
  cost_usd: "costUSD",
} as const;

type Field = keyof typeof FIELDS;

const eachField = (of: (field: Field) => number) =>
  Object.fromEntries((Object.keys(FIELDS) as Field[]).map((field) => [field, of(field)])) as Record<
    Field,
    number
  >;

/** What comes out of a container may have been meddled with there: anything but a number counts as none. */
const figure = (value: unknown) =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;

/**
 * What was used since the `result` message before, subagents included: a field that the Agent SDK sends and does not
 * declare. The declared `modelUsage` will not do: it counts up over the whole session, resumed ones too.
 */
export function usageOf(result: SdkMessage): Usage {
  const spent = (result.model_usage_since_last_result ?? {}) as Record<
    string,
    Record<string, unknown> | null
  >;
  const models = Object.fromEntries(
    Object.entries(spent).map(([model, usage]) => [
      model,
      eachField((field) => figure(usage?.[FIELDS[field]])),
    ]),
  );
  const sum = eachField((field) =>
    Object.values(models).reduce((total, model) => total + model[field], 0),
  );
  return { ...sum, models };
}
