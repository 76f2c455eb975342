import type { TargetFlags } from "./target.js";

/** A word as a shell takes it whole. */
const shellWord = (value: string) =>
  /^[\w.:/@%+=,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;

/**
 * The flags that bring a command which is printed to the deployment and account of the one that prints it, each with a
 * blank before it. What comes from the environment or a file holds for both.
 */
export const sameTarget = ({ account, profile, url }: TargetFlags): string =>
  Object.entries({ account, profile, url })
    .map(([name, value]) => (value ? ` --${name} ${shellWord(value)}` : ""))
    .join("");
