import type { Logger } from "../config.js";

/** What was told already: a program may make a thousand queries. */
const told = new Set<string>();

/** Those of these that nothing was told of yet; from now on they count as told. */
export function news(topics: string[]): string[] {
  const fresh = topics.filter((topic) => !told.has(topic));
  for (const topic of fresh) told.add(topic);
  return fresh;
}

/** Tells the program something, by its logger or on the console. */
export function warn(
  message: string,
  fields: Record<string, unknown>,
  logger: Logger | undefined,
): void {
  if (logger) return logger.warn(message, fields);
  // oxlint-disable-next-line no-console -- the one place where a program learns of it without a logger
  console.warn(`claude-edge: ${message}`);
}
