import type { IncomingMessage } from "node:http";

import type { CallbackAnswer } from "@claude-edge/protocol";
import { readLines } from "@claude-edge/protocol/internal";
import type {
  AnswerTaken,
  ControlCall,
  ControlResult,
  MessageTaken,
  MessageWithdrawn,
  StartTurn,
  TranscriptEntry,
  UserMessage,
} from "@claude-edge/protocol/runner";

import type { Sessions } from "../sessions/registry.js";
import { readJson, respond } from "./respond.js";
import type { Call } from "./router.js";

/** The handlers of the routes about sessions and their turns. */

export async function startTurn(
  sessions: Sessions,
  { request, params, response }: Call<"session" | "turn">,
): Promise<void> {
  const start = await readJson<StartTurn>(request);
  respond(response, 202, await sessions.startTurn(params.session, params.turn, start));
}

export async function interruptTurn(
  sessions: Sessions,
  { params }: Call<"session" | "turn">,
): Promise<object> {
  await sessions.interrupt(params.session, params.turn);
  return {};
}

export async function steerTurn(
  sessions: Sessions,
  { request, params }: Call<"session" | "turn" | "message">,
): Promise<MessageTaken> {
  const given = await readJson<UserMessage>(request);
  return { taken: sessions.steer(params.session, params.turn, params.message, given) };
}

export function withdrawMessage(
  sessions: Sessions,
  { params }: Call<"session" | "turn" | "message">,
): MessageWithdrawn {
  return { withdrawn: sessions.withdraw(params.session, params.turn, params.message) };
}

export async function putTranscript(
  sessions: Sessions,
  { request, params }: Call<"session">,
): Promise<object> {
  await sessions.replaceTranscript(params.session, transcriptEntries(request));
  return {};
}

export async function answerRequest(
  sessions: Sessions,
  { request, params }: Call<"session" | "request">,
): Promise<AnswerTaken> {
  const answer = await readJson<CallbackAnswer>(request);
  return { taken: sessions.answer(params.session, params.request, answer) };
}

export async function callControl(
  sessions: Sessions,
  { request, params }: Call<"session">,
): Promise<ControlResult> {
  return sessions.control(params.session, await readJson<ControlCall>(request));
}

export async function deleteSession(
  sessions: Sessions,
  { params }: Call<"session">,
): Promise<object> {
  await sessions.remove(params.session);
  return {};
}

async function* transcriptEntries(request: IncomingMessage): AsyncGenerator<TranscriptEntry[]> {
  const chunks = request[Symbol.asyncIterator]();
  const read = async () => (await chunks.next()) as { done: boolean; value?: Uint8Array };
  for await (const lines of readLines({ read })) {
    yield lines.map((line) => JSON.parse(line) as TranscriptEntry);
  }
}
