/** A model's prices in dollars per million tokens, for input and for cache reads. */
interface Price {
  input: number;
  cacheRead: number;
  /** Prices for prompts above a number of tokens. */
  long?: { above: number; input: number; cacheRead: number };
  /** Price factor of fast mode. */
  fast?: number;
}

/** Factors on the input price. They are the same for all models so far. */
const OUTPUT = 5;
const CACHE_WRITE_5M = 1.25;
const CACHE_WRITE_1H = 2;
/** Per search, dollars. */
const WEB_SEARCH = 0.01;
/** Price factor of inference within the United States. */
const US_ONLY = 1.1;

/**
 * List prices, equal to those of the Agent SDK; a test compares them with the pinned version. The longest key that is a
 * prefix of the model's name applies.
 * @see https://platform.claude.com/docs/en/about-claude/pricing
 */
const PRICES: Readonly<Record<string, Price>> = {
  "claude-3-5-haiku": { input: 0.8, cacheRead: 0.08 },
  "claude-haiku-4-5": { input: 1, cacheRead: 0.1 },
  "claude-haiku-5-5": {
    input: 0.1,
    cacheRead: 0.01,
    long: { above: 100_000, input: 0.5, cacheRead: 0.05 },
  },
  "claude-3-5-sonnet": { input: 3, cacheRead: 0.3 },
  "claude-3-7-sonnet": { input: 3, cacheRead: 0.3 },
  "claude-sonnet-4": { input: 3, cacheRead: 0.3 },
  "claude-sonnet-5": { input: 2, cacheRead: 0.2 },
  "claude-sonnet-5-5": { input: 2, cacheRead: 0.1 },
  "claude-opus-4": { input: 15, cacheRead: 1.5 },
  "claude-opus-4-5": { input: 5, cacheRead: 0.5 },
  "claude-opus-4-6": { input: 5, cacheRead: 0.5, fast: 6 },
  "claude-opus-4-7": { input: 5, cacheRead: 0.5, fast: 6 },
  "claude-opus-4-8": { input: 5, cacheRead: 0.5, fast: 2 },
  "claude-opus-5": { input: 5, cacheRead: 0.5, fast: 2 },
  "claude-opus-5-5": { input: 4, cacheRead: 0.2, fast: 2 },
  "claude-fable-5": { input: 10, cacheRead: 1 },
  "claude-fable-5-1": { input: 10, cacheRead: 0.25 },
  "claude-fable-5-2": { input: 8, cacheRead: 0.2, fast: 2 },
  "claude-mythos-5": { input: 10, cacheRead: 1 },
  "claude-mythos-5-1": { input: 10, cacheRead: 0.25 },
  "claude-mythos-5-2": { input: 8, cacheRead: 0.2, fast: 2 },
};

/** Price of an unknown model, for example behind LiteLLM. The Agent SDK also uses its default model's price. */
const UNKNOWN: Price = { input: 4, cacheRead: 0.2 };

const NAMES = Object.keys(PRICES).toSorted((left, right) => right.length - left.length);

/** The usage of one model call, as the Messages API gives it. */
export interface CallUsage {
  input_tokens?: number | null;
  output_tokens?: number | null;
  cache_read_input_tokens?: number | null;
  cache_creation_input_tokens?: number | null;
  cache_creation?: { ephemeral_1h_input_tokens?: number | null } | null;
  server_tool_use?: { web_search_requests?: number | null } | null;
  speed?: string | null;
  inference_geo?: string | null;
}

/** Far above any real call, and small enough that sums of costs stay safe integers. */
const MAX_TOKENS = 1e9;

/** Sanitizes a token count from an API: anything but a plausible number counts as 0. */
export const tokens = (value: unknown): number =>
  typeof value === "number" && value > 0 && value <= MAX_TOKENS ? Math.round(value) : 0;

/** What a model call costs, in whole picodollars. */
export function costOf(model: string, usage: CallUsage): number {
  const price = PRICES[NAMES.find((name) => model.startsWith(name)) ?? ""] ?? UNKNOWN;
  const cacheReads = tokens(usage.cache_read_input_tokens);
  const cacheWrites = tokens(usage.cache_creation_input_tokens);
  const writtenForHour = Math.min(
    tokens(usage.cache_creation?.ephemeral_1h_input_tokens),
    cacheWrites,
  );
  const input = tokens(usage.input_tokens);
  const isLongPrompt =
    price.long !== undefined && input + cacheReads + cacheWrites > price.long.above;
  const { input: each, cacheRead } = isLongPrompt ? price.long! : price;
  const factor = usage.speed === "fast" ? (price.fast ?? 1) : 1;
  const region = usage.inference_geo === "us" ? US_ONLY : 1;
  const tokenCost =
    input * each +
    tokens(usage.output_tokens) * each * OUTPUT +
    cacheReads * cacheRead +
    (cacheWrites - writtenForHour) * each * CACHE_WRITE_5M +
    writtenForHour * each * CACHE_WRITE_1H;
  // One dollar per million tokens is a million picodollars per token.
  const searches = tokens(usage.server_tool_use?.web_search_requests) * WEB_SEARCH * 1e6;
  return Math.round((tokenCost * factor * region + searches) * 1e6);
}
