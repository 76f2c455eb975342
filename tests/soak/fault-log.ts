import type { ErrorCode } from "@claude-edge/client";

/** What struck, and which ends of turns it explains. */
export interface Struck {
  name: string;
  /** The account that it struck; all of them without. */
  account?: string | undefined;
  /** The session that it struck; all of its account without. */
  session?: string | undefined;
  /** The codes with which a turn may fail that it struck. */
  explains: readonly ErrorCode[];
  from: number;
  /** When it was over. */
  until: number;
}

/** A process that was killed is missed a moment later. */
const SLACK_MS = 1_000;

/** All faults so far. A turn may fail only by one of them, and as that one explains. */
export class FaultLog {
  readonly all: Struck[] = [];

  /** Notes a fault that begins now; the returned function notes its end. */
  begin(fault: Omit<Struck, "from" | "until">): () => void {
    const struck: Struck = { ...fault, from: Date.now(), until: Infinity };
    this.all.push(struck);
    return () => (struck.until = Date.now());
  }

  /** Whether a fault explains a failure of a turn that ran for this time. */
  explains(code: string, turn: { account: string; session: string; from: number; to: number }) {
    return this.during(turn).some(({ explains }) => explains.some((known) => known === code));
  }

  /** The faults that could have struck a turn. */
  during(turn: { account: string; session: string; from: number; to: number }): Struck[] {
    return this.all.filter(
      ({ account, session, from, until }) =>
        (account ?? turn.account) === turn.account &&
        (session ?? turn.session) === turn.session &&
        from <= turn.to &&
        until + SLACK_MS >= turn.from,
    );
  }
}
