import type { Attachment } from "@claude-edge/client";

import type { Context } from "../context.js";
import { subjectOf } from "../requests/asked.js";
import { oneLine, printable, printableBeginning } from "../terminal/printable.js";
import { shortTime } from "../terminal/duration.js";
import { inStyle, type Style } from "../terminal/style.js";
import { textOf, type Step, type ToldTurn } from "./history.js";

/** A prompt may hold a whole file; answers are shown whole. */
const MAX_PROMPT_CHARS = 2_000;
const MAX_CALL_CHARS = 120;
/** As much of a turn's id as other commands take. */
const SHORT_ID = 8;

const nameOf = (file: Attachment) => ("path" in file ? file.path : file.name);

/** Turns for people to read: what was asked, said and done, and how it ended if not well. */
export function conversationText(turns: ToldTurn[], stdout: Context["stdout"]): string {
  const style = (format: Style, text: string) => inStyle(format, text, stdout);
  return turns.map((turn) => turnText(turn, style)).join("\n");
}

function turnText(turn: ToldTurn, style: (format: Style, text: string) => string): string {
  const { prompt, attachments = [], steps, status, error } = turn;
  const asked =
    prompt === undefined
      ? "(this deployment did not keep the prompt)"
      : printableBeginning(textOf(prompt).trimEnd(), MAX_PROMPT_CHARS);
  const lines = asked.split("\n").map((line) => style("bold", `> ${line}`));
  const files = attachments.map((file) => style("dim", `  with ${oneLine(nameOf(file))}`));
  const parts = [lines.join("\n"), ...files, ...steps.map((step) => stepText(step, style))];
  parts.push(style("dim", `  turn ${turn.id.slice(0, SHORT_ID)}${figuresOf(turn)}`));
  if (status !== "completed") {
    const reason = error ? `: ${printable(error.message)}` : "";
    parts.push(style(error ? "red" : "yellow", `${status}${reason}`));
  }
  return parts.map((part) => `${part}\n`).join("");
}

/** How long a turn took and what it cost, as far as that is known. */
function figuresOf({ asked_at: start, ended_at: end, usage }: ToldTurn): string {
  const took = end === undefined ? "" : `, ${shortTime(end - start)}`;
  return `${took}${usage ? `, $${usage.cost_usd.toFixed(4)}` : ""}`;
}

function stepText(step: Step, style: (format: Style, text: string) => string): string {
  if (step.type === "text") return printable(step.text.trimEnd());
  const { name, input, error } = step;
  const about = subjectOf({ kind: "permission", toolName: name, input });
  const call = style("dim", `  ${oneLine(name)} ${oneLine(about, MAX_CALL_CHARS)}`);
  if (error === undefined) return call;
  return `${call}\n${style("red", `    ${oneLine(error, MAX_CALL_CHARS)}`)}`;
}
