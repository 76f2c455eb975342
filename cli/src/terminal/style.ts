import type { Writable } from "node:stream";
import { styleText } from "node:util";

export type Style = Parameters<typeof styleText>[0];

/** Text in a style, where what is written to shows any: a terminal, and no NO_COLOR. */
export const inStyle = (style: Style, text: string, stream: Writable): string =>
  styleText(style, text, { stream: stream as NodeJS.WriteStream });
