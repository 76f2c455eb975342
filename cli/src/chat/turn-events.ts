import {
  StreamInterruptedError,
  type EdgeEvent,
  type PromptAttachment,
  type Session,
  type Turn,
} from "@claude-edge/client";

interface Reader {
  /** To stop reading; the turn goes on. */
  signal: AbortSignal;
  /** Called with the turn before its first event, and with the one that is read on after a lost connection. */
  onTurn: (turn: Turn) => void;
  onLost: () => void;
}

/** Sends a prompt and reads its turn to the end; a connection that is lost for good is tried once more. */
export async function* turnEvents(
  session: Session,
  prompt: string,
  attachments: PromptAttachment[] | undefined,
  { signal, onTurn, onLost }: Reader,
): AsyncGenerator<EdgeEvent> {
  let turn = session.send(prompt, { signal, attachments });
  onTurn(turn);
  try {
    yield* turn;
  } catch (error) {
    if (!(error instanceof StreamInterruptedError) || error.turnId === undefined) throw error;
    onLost();
    turn = session.resume(error, { signal });
    onTurn(turn);
    yield* turn;
  }
  await turn.result();
}
