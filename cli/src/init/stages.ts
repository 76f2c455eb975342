import type { Context } from "../context.js";
import { inStyle } from "../terminal/style.js";

type Say = (name: string, what: string, details?: string[]) => void;

/** Says on standard error what has been done, stage by stage; nothing where a program reads along. */
export function stage({ stderr }: Context, isQuiet: boolean): Say {
  if (isQuiet) return () => {};
  return (name, what, details = []) => {
    const title = inStyle("bold", name, stderr);
    stderr.write(`${title}: ${what}\n${details.map((line) => `  ${line}\n`).join("")}`);
  };
}
