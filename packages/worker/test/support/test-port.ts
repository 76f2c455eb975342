import type {
  AccountPort,
  BudgetLease,
  Notice,
  NumberedNotice,
  RefusedNotice,
  TurnAdmitted,
} from "../../src/session/account-port.js";

/** The account as its sessions see it: it notes what it is told, and says what a test has it say. */
export class TestPort implements AccountPort {
  /** The object's id. */
  readonly id: string = "ada";
  /** Each call that told it something. */
  readonly batches: { session: string; notices: NumberedNotice[] }[] = [];
  /** The turns of each call that asked for slots. */
  readonly claims: string[][] = [];
  /** Which of the turns that ask for a slot may run. */
  grant: (turns: string[]) => string[] = () => [];
  /** Called when it is told something, before it has taken it: what this throws, the session gets. */
  onNotify: () => void | Promise<void> = () => {};

  /** All that it was told, in order. */
  get told(): Notice[] {
    return this.batches.flatMap(({ notices }) => notices.map(({ notice }) => notice));
  }

  async notify(session: string, notices: NumberedNotice[]): Promise<RefusedNotice | undefined> {
    await this.onNotify();
    this.batches.push({ session, notices });
    return undefined;
  }

  /* oxlint-disable require-await -- as a stub's */
  async claimTurns(_session: string, turns: string[]): Promise<string[]> {
    this.claims.push(turns);
    return this.grant(turns);
  }

  async admitTurn(): Promise<TurnAdmitted> {
    return { status: "queued" };
  }

  async admitSession({ session }: { session: string }): Promise<string> {
    return session;
  }

  async secretVariables(): Promise<Record<string, string>> {
    return {};
  }

  async changeSecrets(): Promise<void> {}
  async keyUse(): Promise<undefined> {}
  async removeSession(): Promise<void> {}
  async sharePacks(): Promise<void> {}
  async releaseFolder(): Promise<void> {}
  async withdrawTurn(): Promise<void> {}

  async leaseBudget(): Promise<BudgetLease> {
    return { tokens: null, cost: null, expiresAt: Infinity };
  }

  async spend(): Promise<void> {}
  /* oxlint-enable require-await */
}
