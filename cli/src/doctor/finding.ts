/** What a check came to, and what it found out for those that need it. */
export interface Finding<Value = never> {
  /** `skip`: it could not be made, for the reason in the message. */
  status: "ok" | "warn" | "fail" | "skip";
  message: string;
  fix?: string | undefined;
  value?: Value | undefined;
}

/** A check that is made, or will be. */
export interface Check<Value = unknown> {
  id: string;
  finding: Promise<Finding<Value>>;
}

export const ok = <Value = never>(message: string, value?: Value): Finding<Value> => ({
  status: "ok",
  message,
  value,
});
export const skip = (message: string, fix?: string): Finding => ({
  status: "skip",
  message,
  fix,
});
export const warn = (message: string, fix?: string): Finding => ({
  status: "warn",
  message,
  fix,
});
export const fail = (message: string, fix?: string): Finding => ({
  status: "fail",
  message,
  fix,
});

/** What most checks may take, milliseconds. */
const LIMIT_MS = 10_000;

type Make<Value> = (signal: AbortSignal) => Finding<Value> | Promise<Finding<Value>>;

export const needs = ({ id }: Check): Finding => skip(`not checked: it needs "${id}"`);

/** Makes checks: each within its time, and a failure of its own making is a finding too. */
export class Checks {
  readonly all: Check[] = [];
  readonly #stop: AbortSignal;

  constructor(stop: AbortSignal) {
    this.#stop = stop;
  }

  /** Begins a check at once. */
  begin<Value>(id: string, make: Make<Value>, limitMs: number = LIMIT_MS): Check<Value> {
    const check = { id, finding: this.#make(make, limitMs) };
    this.all.push(check);
    return check;
  }

  /** Begins one when another has found out what it needs; without that it is skipped. */
  after<Needed, Value>(
    before: Check<Needed>,
    id: string,
    make: (needed: Needed, signal: AbortSignal) => ReturnType<Make<Value>>,
    limitMs: number = LIMIT_MS,
  ): Check<Value> {
    const finding = before.finding.then(({ value }) =>
      value === undefined ? needs(before) : this.#make((signal) => make(value, signal), limitMs),
    );
    const check = { id, finding };
    this.all.push(check);
    return check;
  }

  async #make<Value>(make: Make<Value>, limitMs: number): Promise<Finding<Value>> {
    const limit = AbortSignal.timeout(limitMs);
    try {
      return await make(AbortSignal.any([this.#stop, limit]));
    } catch (error) {
      if (limit.aborted) return fail(`no answer within ${limitMs / 1000} s`);
      return fail(error instanceof Error ? error.message : String(error));
    }
  }
}
