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
type Figures = Record<Field, number>;
type Json = Record<string, unknown>;

/** The most tokens of a kind that count: more than any model generates in a lifetime. */
const MAX_TOKENS = 1e12;

/** The most dollars that count. Up to here, a number of picodollars is exact. */
const MAX_COST_USD = 9_000;

/** Models beyond this number, and those whose name is longer or empty, are added up under one name. */
const MAX_MODELS = 50;
export const MAX_MODEL_CHARS = 256;
export const UNKNOWN_MODEL = "unknown";

const fieldNames = Object.keys(FIELDS) as Field[];
const eachField = (of: (field: Field) => number) =>
  Object.fromEntries(fieldNames.map((field) => [field, of(field)])) as Figures;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

/** What comes out of a container may have been meddled with there: anything but a number counts as none. */
function figure(field: Field, value: unknown): number {
  if (typeof value !== "number" || !(value > 0) || value === Infinity) return 0;
  return Math.min(value, field === "cost_usd" ? MAX_COST_USD : MAX_TOKENS);
}

/** The figures of each model. `nameOf`: the name that a figure has in what was told. */
function modelsOf(told: unknown, nameOf: (field: Field) => string): Map<string, Figures> {
  const models = new Map<string, Figures>();
  for (const [name, used] of Object.entries(isObject(told) ? told : {})) {
    const hasRoom = models.has(name) || models.size < MAX_MODELS;
    const isNamed = name !== "" && name.length <= MAX_MODEL_CHARS && hasRoom;
    const model = isNamed ? name : UNKNOWN_MODEL;
    const before = models.get(model);
    const given = isObject(used) ? used : {};
    const added = (field: Field) => figure(field, given[nameOf(field)]) + (before?.[field] ?? 0);
    models.set(
      model,
      eachField((field) => figure(field, added(field))),
    );
  }
  return models;
}

/**
 * What was used since the `result` message before, subagents included: a field that the Agent SDK sends and does not
 * declare. The declared `modelUsage` will not do: it counts up over the whole session, resumed ones too.
 */
export function usageOf(result: SdkMessage): Usage {
  const models = modelsOf(result.model_usage_since_last_result, (field) => FIELDS[field]);
  const sum = eachField((field) =>
    [...models.values()].reduce((total, model) => total + model[field], 0),
  );
  return { ...sum, models: Object.fromEntries(models) };
}

/** A turn's usage as its runner tells it, with only figures that can be counted. */
export function checkedUsage(told: unknown): Usage {
  const given = isObject(told) ? told : {};
  const sum = eachField((field) => figure(field, given[field]));
  return { ...sum, models: Object.fromEntries(modelsOf(given.models, (field) => field)) };
}
