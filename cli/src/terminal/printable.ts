/** What steers a terminal or hides text in it: control and formatting characters, and halves of surrogate pairs. */
const STEERING = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

const spelledOut = (character: string) => `\\u{${character.codePointAt(0)!.toString(16)}}`;

/**
 * Text of somebody else's, the model's for example, fit for a terminal. What would steer it is spelled out rather than
 * dropped: whoever decides about a command should see that it holds such a thing. Lines stay lines.
 */
export function printable(text: string): string {
  return text.replace(STEERING, (character) =>
    character === "\n" || character === "\t" ? character : spelledOut(character),
  );
}

/** The same, of what is longer than so many characters its beginning, and how much more there is. */
export function printableBeginning(text: string, length: number): string {
  if (text.length <= length) return printable(text);
  // Half of a surrogate pair would be spelled out.
  const beginning = text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");
  return printable(`${beginning} … and ${text.length - beginning.length} more`);
}

/** The same in one line, and cut to a length in characters. */
export function oneLine(text: string, length = Infinity): string {
  const line = printable(text.replaceAll(/\s+/g, " ").trim());
  const characters = [...line];
  return characters.length <= length ? line : `${characters.slice(0, length - 1).join("")}…`;
}

/** A file's name as it is, but for what would steer the terminal or begin a new line. */
export const printableName = (name: string): string => name.replace(STEERING, spelledOut);
