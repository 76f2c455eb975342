/** What becomes known of a request while it is handled, for its line in the log. */
export interface Trail {
  account?: string | undefined;
  session?: string | undefined;
  turn?: string | undefined;
  /** What its answer's error was made of. */
  error?: unknown;
}
