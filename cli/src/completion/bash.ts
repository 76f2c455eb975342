import { casesOf, quoted } from "./cases.js";
import type { Level } from "./tree.js";

/** For bash 3.2 and newer. */
export function bashCompletion(levels: Level[]): string {
  const { walk, values, names } = casesOf(
    levels,
    (offers) => `words=${quoted(offers.map(({ name }) => name).join(" "))}`,
  );
  return `# eval "$(claude-edge completion bash)"
_claude_edge() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at='' flag='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    # bash takes --flag=value apart.
    [[ $word == = ]] && continue
    if [[ $flag ]]; then flag=''; continue; fi
    case "$at $word" in
${walk}
    esac
  done
  [[ $cur == = ]] && cur=''
  if [[ $flag ]]; then
    case "$at $flag" in
${values}
    esac
  else
    [[ $cur == -* ]] && at="$at -"
    case "$at" in
${names}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _claude_edge claude-edge
`;
}
