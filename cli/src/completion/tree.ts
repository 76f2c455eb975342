import type { Command } from "commander";

export interface Flag {
  /** `--limit`, and `-l` if there is one. */
  names: string[];
  about: string;
  takesValue: boolean;
  choices: string[];
}

/** A command, by the words that lead to it: `""`, `" sessions"`, `" sessions list"`. */
export interface Level {
  at: string;
  commands: { name: string; about: string }[];
  flags: Flag[];
  /** What its first argument may be, where that is fixed. */
  choices: string[];
}

/** Every command of a command line, as its help tells of them. */
export function levelsOf(command: Command, at = ""): Level[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const level: Level = {
    at,
    commands: commands.map((child) => ({ name: child.name(), about: child.description() })),
    flags: help.visibleOptions(command).map((option) => ({
      names: [option.long, option.short].filter((name) => name !== undefined),
      about: option.description,
      takesValue: option.required,
      choices: option.argChoices ?? [],
    })),
    choices: command.registeredArguments[0]?.argChoices ?? [],
  };
  // Behind `help` come the commands that it stands beside.
  const below = commands.filter((child) => child.name() !== "help");
  return [level, ...below.flatMap((child) => levelsOf(child, `${at} ${child.name()}`))];
}

/** The commands, and the flags that take a value: what a shell needs to know to find out where it is. */
export function wordsOf(levels: Level[]): { commands: string[]; valued: string[] } {
  return {
    commands: levels.flatMap(({ at }) => (at === "" ? [] : [at])),
    valued: levels.flatMap(({ at, flags }) =>
      flags.flatMap(({ names, takesValue }) =>
        takesValue ? names.map((name) => `${at} ${name}`) : [],
      ),
    ),
  };
}
