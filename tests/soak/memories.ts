/** What a session has to remember: what its model said and what its tools answered, turn by turn. */
export class Memories {
  readonly #turns: { turn: string; said?: string; answered: string[] }[];
  /** Tools that may have run, whether their answers came or not. */
  readonly #tried: Set<string>;

  constructor(of?: Memories, upTo?: string) {
    const turns = of ? of.#turns : [];
    const end =
      upTo === undefined ? turns.length : turns.findIndex(({ turn }) => turn === upTo) + 1;
    this.#turns = turns.slice(0, end).map((turn) => ({ ...turn, answered: [...turn.answered] }));
    this.#tried = new Set(of ? of.#tried : []);
  }

  get length(): number {
    return this.#turns.length;
  }

  get completed(): string[] {
    return this.#turns.flatMap(({ turn, said }) => (said === undefined ? [] : [turn]));
  }

  try(tools: string[]): void {
    for (const tool of tools) this.#tried.add(tool);
  }

  /** A turn has ended. `said`: what the model said last, if it got there. */
  add(turn: string, answered: string[], said?: string): void {
    this.#turns.push({ turn, answered, ...(said === undefined ? {} : { said }) });
  }

  get said(): string[] {
    return this.#turns.flatMap(({ said }) => (said === undefined ? [] : [said]));
  }

  /** Tools whose answers were seen. */
  get answered(): string[] {
    return this.#turns.flatMap(({ answered }) => answered);
  }

  /** What does not hold of the file that each tool writes its name into: all that had finished, each once, no stranger. */
  fileProblems(text: string): string[] {
    const lines = text.split("\n").filter((line) => line !== "");
    const found = new Set(lines);
    return [
      ...(found.size < lines.length ? [`a line stands twice in ${lines.join(" ")}`] : []),
      ...this.answered.filter((tool) => !found.has(tool)).map((tool) => `its files lack ${tool}`),
      ...lines.filter((line) => !this.#tried.has(line)).map((line) => `its files hold ${line}`),
    ];
  }
}
