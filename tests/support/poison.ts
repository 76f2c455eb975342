import { querySession } from "./resets.ts";

/** What keeps a session's database from taking one kind of frame of its runner's log. */
export const POISONS = {
  message: "INSERT ON events WHEN NEW.kind = 'message'",
  transcript: "INSERT ON transcripts",
  checkpoint: "INSERT ON checkpoints",
  request: "INSERT ON requests",
  "turn's beginning": "UPDATE OF start_cursor ON turns WHEN NEW.start_cursor IS NOT NULL",
  "turn's end": "UPDATE OF status ON turns WHEN NEW.status = 'completed'",
} as const;

/** Poisons a session: frames of one kind cannot be applied, until the returned function is called. */
export async function poison(
  url: string,
  session: string,
  kind: keyof typeof POISONS,
): Promise<() => Promise<void>> {
  const trigger = `CREATE TRIGGER poison BEFORE ${POISONS[kind]} BEGIN SELECT RAISE(ABORT, 'poisoned'); END`;
  await querySession(url, session, trigger);
  return async () => void (await querySession(url, session, "DROP TRIGGER IF EXISTS poison"));
}
