import { styleText } from "node:util";

import type { Context } from "../context.js";

type Say = (name: string, what: string, details?: string[]) => void;

/** Says on standard error what has been done, stage by stage; nothing where a program reads along. */
export function stage({ stderr }: Context, isQuiet: boolean): Say {
  if (isQuiet) return () => {};
  return (name, what, details = []) => {
    const title = styleText("bold", name, { stream: stderr as NodeJS.WriteStream });
    stderr.write(`${title}: ${what}\n${details.map((line) => `  ${line}\n`).join("")}`);
  };
}
