import type { Answer } from "./send.ts";

/** What came of an attack; anything but the refusal that it should get counts as passed through. */
export interface Outcome {
  repelled: boolean;
  /** What it got to see, in a line. */
  saw: string;
  /** How many of several tries passed through; 1 without it. */
  through?: number;
}

/** One try at something that must not go. */
export interface Attack {
  name: string;
  /** How many tries it stands for; 1 without it. */
  times?: number;
  attempt(): Promise<Outcome>;
}

/** Attacks of one kind. */
export interface Family {
  attacks: Attack[];
  /** The same things done rightly, which must work: what refuses everything repels every attack. */
  controls: Attack[];
}

/** The answer that is right: its status, and the code of its error; of several each will do. */
export interface Expected {
  status: number | readonly number[];
  code?: string | readonly string[];
}

const isOneOf = <Value>(value: Value, expected: Value | readonly Value[]) =>
  Array.isArray(expected) ? expected.includes(value) : value === expected;

/** What no answer to an attacker may hold. */
export const SECRETS: string[] = [];

const beginningOf = (text: string) => text.replaceAll(/\s+/g, " ").slice(0, 160);

/** Compares an answer with the right one. */
export function judge(answer: Answer, { status, code }: Expected): Outcome {
  const { text, headers } = answer;
  const whole = text + JSON.stringify([...headers]);
  if (SECRETS.some((secret) => whole.includes(secret))) {
    return { repelled: false, saw: `${answer.status} with a secret in it: ${beginningOf(text)}` };
  }
  const isRight =
    isOneOf(answer.status, status) && (code === undefined || isOneOf(answer.code, code));
  return { repelled: isRight, saw: `${answer.status} ${answer.code ?? beginningOf(text)}` };
}

/** An attack that is a request, and the refusal that is its right answer. */
export const refused = (name: string, ask: () => Promise<Answer>, expected: Expected): Attack => ({
  name,
  attempt: async () => judge(await ask(), expected),
});

/** A control that is a request, and what it must be answered with. */
export const works = (name: string, ask: () => Promise<Answer>, status = 200): Attack => ({
  name,
  attempt: async () => {
    const answer = await ask();
    return {
      repelled: answer.status === status,
      saw: `${answer.status} ${beginningOf(answer.text)}`,
    };
  },
});

/** An attack, or a control, that holds when nothing is left to say against it. */
export const holds = (name: string, problem: () => Promise<string | undefined>): Attack => ({
  name,
  attempt: async () => {
    const said = await problem();
    return { repelled: said === undefined, saw: said ?? "as it must be" };
  },
});
