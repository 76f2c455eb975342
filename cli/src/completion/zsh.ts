import { casesOf, quoted } from "./cases.js";
import type { Level } from "./tree.js";

/** For zsh with its completion system (compinit). */
export function zshCompletion(levels: Level[]): string {
  const { walk, values, names } = casesOf(levels, (offers) => {
    const items = offers.map(({ name, about }) => (about ? `${name}:${about}` : name));
    return `found=(${items.map(quoted).join(" ")})`;
  });
  return `#compdef claude-edge
# eval "$(claude-edge completion zsh)", behind compinit; or a file _claude-edge in a folder of $fpath.
_claude_edge() {
  local at='' flag='' word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $flag ]]; then flag=''; continue; fi
    case "$at $word" in
${walk}
    esac
  done
  if [[ -n $flag ]]; then
    case "$at $flag" in
${values}
    esac
  else
    [[ $PREFIX == -* ]] && at="$at -"
    case "$at" in
${names}
    esac
  fi
  if (( $#found )); then _describe claude-edge found; else _files; fi
}
if [[ $funcstack[1] == _claude-edge ]]; then _claude_edge "$@"; else compdef _claude_edge claude-edge; fi
`;
}
