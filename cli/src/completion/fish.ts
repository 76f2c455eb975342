import { wordsOf, type Flag, type Level } from "./tree.js";

const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** For fish 3 and newer. */
export function fishCompletion(levels: Level[]): string {
  const { commands, valued } = wordsOf(levels);
  const lines = levels.flatMap(({ at, commands: children, flags, choices }) => {
    const here = `complete -c claude-edge -n ${quoted(`__claude_edge_at '${at}'`)}`;
    return [
      ...children.map(({ name, about }) => `${here} -f -a ${name} -d ${quoted(about)}`),
      ...(choices.length > 0 ? [`${here} -f -a ${quoted(choices.join(" "))}`] : []),
      ...flags.map((flag) => `${here} ${flagWords(flag)} -d ${quoted(flag.about)}`),
    ];
  });
  return `# claude-edge completion fish > ~/.config/fish/completions/claude-edge.fish
function __claude_edge_at
    set -l at
    set -l flag
    for word in (commandline -opc)[2..-1]
        if test -n "$flag"
            set flag
            continue
        end
        switch "$at $word"
            case ${commands.map(quoted).join(" ")}
                set at "$at $word"
            case ${valued.map(quoted).join(" ")}
                set flag $word
        end
    end
    test "$at" = "$argv[1]"
end
${lines.join("\n")}
`;
}

function flagWords({ names, takesValue, choices }: Flag): string {
  const words = names.map((name) =>
    name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  );
  if (choices.length > 0) words.push("-x", "-a", quoted(choices.join(" ")));
  else if (takesValue) words.push("-r");
  return words.join(" ");
}
