import { wordsOf, type Level } from "./tree.js";

/** What is offered; `about` is for shells that show it. */
export interface Offer {
  name: string;
  about?: string;
}

/** The parts of a script for a shell with `case`, as bash and zsh have. */
export interface Cases {
  /** Over the path and the next word: whether it leads on, or is a flag whose value comes next. */
  walk: string;
  /** Over the path and a flag: the flag's values. */
  values: string;
  /** Over the path, with ` -` behind it when a flag is being typed: what may come. */
  names: string;
}

export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const branch = (patterns: string[], action: string) =>
  `      ${patterns.map(quoted).join("|")}) ${action} ;;`;

export function casesOf(levels: Level[], offer: (offers: Offer[]) => string): Cases {
  const { commands, valued } = wordsOf(levels);
  const offered = (cases: [patterns: string[], offers: Offer[]][]) =>
    cases
      .filter(([, offers]) => offers.length > 0)
      .map(([patterns, offers]) => branch(patterns, offer(offers)))
      .join("\n");
  const plain = (choices: string[]): Offer[] => choices.map((name) => ({ name }));
  return {
    walk: [branch(commands, `at="$at $word"`), branch(valued, "flag=$word")].join("\n"),
    values: offered(
      levels.flatMap(({ at, flags }) =>
        flags.map(({ names, choices }): [string[], Offer[]] => [
          names.map((name) => `${at} ${name}`),
          plain(choices),
        ]),
      ),
    ),
    names: offered(
      levels.flatMap(({ at, commands: children, flags, choices }): [string[], Offer[]][] => [
        [[at], [...children, ...plain(choices)]],
        [[`${at} -`], flags.flatMap(({ names, about }) => names.map((name) => ({ name, about })))],
      ]),
    ),
  };
}
