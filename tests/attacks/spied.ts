import type { World } from "./world.ts";

/** A request that a runner was sent; see spy.ts. */
export interface Spied {
  method: string;
  url: string;
  /** Names and values by turns, as they came. */
  rawHeaders: string[];
}

/** What the runners were asked so far. */
export function askedOfRunners({ printed }: Pick<World, "printed">): Spied[] {
  return [...printed("container").matchAll(/^runner-was-asked (.*)$/gm)].map(
    ([, json = ""]) => JSON.parse(json) as Spied,
  );
}
