import {
  EdgeError,
  MAX_OPTIONS_CHARS,
  type Prompt,
  type SessionOptions,
} from "@claude-edge/protocol";

import type { Env } from "../env.js";
import { cut } from "../sql/parts.js";
import { assertRepositories } from "./check-repositories.js";

const TITLE_CHARS = 80;

/** The default title of a session: the first line of its first prompt. */
export function titleOf(prompt: Prompt): string {
  const text = typeof prompt === "string" ? prompt : textOf(prompt);
  const line = text.trim().split("\n", 1)[0]!;
  return line.length > TITLE_CHARS ? `${cut(line, TITLE_CHARS - 1)[0]}…` : line;
}

function textOf(blocks: Exclude<Prompt, string>): string {
  return blocks.map(({ text }) => (typeof text === "string" ? text : "")).join(" ");
}

/** @throws EdgeError `invalid_request` for options that a session cannot have. */
export function assertOptions(env: Env, options: SessionOptions): void {
  assertOptionsFit(options);
  assertRepositories(env, options);
}

/** @throws EdgeError `invalid_request` for options that do not fit a row. */
export function assertOptionsFit(options: SessionOptions): void {
  const { length } = JSON.stringify(options);
  if (length <= MAX_OPTIONS_CHARS) return;
  const message = `options: are ${length} characters of JSON long; ${MAX_OPTIONS_CHARS} are the most.`;
  throw new EdgeError("invalid_request", message);
}
