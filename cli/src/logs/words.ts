import type { Writable } from "node:stream";

import { isRequestEntry, type LogEntry, type LogLevel } from "@claude-edge/protocol/internal";

import { shortTime } from "../terminal/duration.js";
import { printable } from "../terminal/printable.js";
import { inStyle, type Style } from "../terminal/style.js";

type Terminal = Writable & { isTTY?: boolean };

/** Characters of an id that tell it apart. */
const SHORT = 8;

const STYLES: Partial<Record<LogLevel, Style>> = { debug: "dim", warn: "yellow", error: "red" };

/** An entry in words: time, level, who wrote it, what happened, and the beginnings of the ids. */
export function inWords(entry: LogEntry, stream: Terminal, now: Date = new Date()): string {
  const { level, source } = entry;
  const time = inStyle("dim", timeOf(entry, now), stream);
  const styled = ofLevel(level, level.padEnd(5), stream);
  const from = source === undefined ? "" : `[${source}] `;
  const named = [...namesOf(entry), ...fieldsOf(entry)].join("  ");
  return finished(entry, `${time} ${styled} ${from}${whatOf(entry, stream)}`, named, stream);
}

/** The same beside the other output of a program that runs: a request is a line as web servers print it. */
export function inBrief(entry: LogEntry, stream: Terminal): string {
  const { level, source, request_id: request, error } = entry;
  if (!isRequestEntry(entry)) {
    const isNotable = level === "warn" || level === "error";
    const label = isNotable ? `${ofLevel(level, level, stream)}: ` : "";
    const from = source === undefined ? "" : `[${source}] `;
    const named = [...namesOf(entry), ...fieldsOf(entry)].join("  ");
    return finished(entry, `${from}${label}${whatOf(entry, stream)}`, named, stream);
  }
  const isFailed = error !== undefined || entry.status >= 400;
  const what = ofLevel(level, whatOf(entry, stream), stream);
  const id = isFailed && request !== undefined ? shortRequest(request) : "";
  return finished(entry, what, id, stream);
}

function ofLevel(level: LogLevel, text: string, stream: Terminal): string {
  const style = STYLES[level];
  return style === undefined ? text : inStyle(style, text, stream);
}

/** What would steer a terminal is spelled out. What builds an image does so for its own progress. */
const safe = (text: string, stream: Terminal, source?: string): string =>
  stream.isTTY && source !== "build" ? printable(text) : text;

/** What happened. Of what another program wrote that is its line. */
function whatOf(entry: LogEntry, stream: Terminal): string {
  if (!isRequestEntry(entry)) return safe(entry.message, stream, entry.source);
  const { method, route, status, duration_ms: ms, session, turn } = entry;
  const path = (route ?? "(no such route)")
    .replace(/(?<=\/(sessions|conversations)\/):id\b/, () => short(session) ?? ":id")
    .replace(/:turn\b/, () => short(turn) ?? ":turn");
  return safe(`${method} ${path} ${status} ${shortTime(ms)}`, stream);
}

/** What of an entry has a place of its own. */
const KNOWN = new Set(
  "level time message source error content request_id account session turn container".split(" "),
);
const OF_REQUEST = new Set("method route status duration_ms".split(" "));

function namesOf({ request_id, account, session, turn, container }: LogEntry): string[] {
  const named: [string, string | undefined][] = [
    ["turn", short(turn)],
    ["session", short(session)],
    ["account", account],
    // Most often it has the name of its account.
    ["container", container === account ? undefined : container],
    ["request", request_id && shortRequest(request_id)],
  ];
  return named.flatMap(([name, value]) => (value ? [`${name} ${value}`] : []));
}

function fieldsOf(entry: LogEntry): string[] {
  const isRequest = isRequestEntry(entry);
  return Object.entries(entry).flatMap(([name, value]) => {
    if (KNOWN.has(name) || value === undefined || value === null) return [];
    if (isRequest && OF_REQUEST.has(name)) return [];
    if (name.endsWith("_ms") && typeof value === "number") {
      return [`${name.slice(0, -"_ms".length)} ${shortTime(value)}`];
    }
    return [`${name} ${typeof value === "string" ? indented(value) : JSON.stringify(value)}`];
  });
}

/** A field in several lines, the reason for which an agent could not be loaded for example. */
const indented = (text: string): string => text.trim().replaceAll("\n", "\n    ");

/** The line with what follows it: the error, what it is about, and below it stack and content. */
function finished(
  { error, content }: LogEntry,
  head: string,
  named: string,
  stream: Terminal,
): string {
  const said = error && [error.code, error.message].filter(Boolean).join(": ");
  const below: string[] = [];
  for (const [name, value] of Object.entries((content ?? {}) as object)) {
    below.push(`${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  }
  if (error?.stack) below.push(error.stack);
  const parts = [
    head,
    said && safe(said, stream),
    named && inStyle("dim", safe(named, stream), stream),
  ];
  const lines = below.flatMap((text) => safe(text, stream).split("\n"));
  return `${parts.filter(Boolean).join("  ")}\n${lines.map((line) => `    ${line}\n`).join("")}`;
}

const short = (id: string | undefined): string | undefined => id?.slice(0, SHORT);

const shortRequest = (id: string): string => id.slice(0, "req_".length + SHORT);

/** The local time, and the date of what is not of today. */
function timeOf({ time }: LogEntry, now: Date): string {
  const date = new Date(time);
  const two = (number: number, width = 2) => String(number).padStart(width, "0");
  const day = (of: Date) => [of.getFullYear(), two(of.getMonth() + 1), two(of.getDate())].join("-");
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((n) => two(n))
    .join(":");
  const exact = `${clock}.${two(date.getMilliseconds(), 3)}`;
  return day(date) === day(now) ? exact : `${day(date)} ${exact}`;
}
