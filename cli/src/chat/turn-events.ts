import {
  StreamInterruptedError,
  type EdgeEvent,
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

/** Reads a turn to its end; a connection that is lost for good is tried once more. */
export async function* turnEvents(
  session: Session,
  begun: Turn,
  { signal, onTurn, onLost }: Reader,
): AsyncGenerator<EdgeEvent> {
  let turn = begun;
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
