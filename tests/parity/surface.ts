/** What the Agent SDK's declarations offer, read as text. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Some releases have Windows line ends. */
const declarationsIn = (folder: string) =>
  readFileSync(join(folder, "sdk.d.ts"), "utf8").replaceAll("\r\n", "\n");

/** The body of a declaration, from its first words to its closing line. */
function bodyOf(declarations: string, start: string, end: string): string {
  const from = declarations.indexOf(start);
  if (from < 0) throw new Error(`The Agent SDK no longer declares: ${start}`);
  return declarations.slice(from, declarations.indexOf(end, from));
}

const names = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, name]) => name!).toSorted();

/** The members of a union that stands on one line. */
function union(declarations: string, name: string): string[] {
  const [, list] =
    new RegExp(`^export declare type ${name} = (.*);$`, "m").exec(declarations) ?? [];
  if (list === undefined) throw new Error(`The Agent SDK no longer declares the union ${name}`);
  return list
    .split(" | ")
    .map((member) => member.replaceAll("'", ""))
    .toSorted();
}

/** What an Agent SDK offers, as sorted names. `values` and `types` are those of its root entry. */
export interface Surface {
  values: string[];
  types: string[];
  options: string[];
  methods: string[];
  hooks: string[];
  messages: string[];
  userMessageFields: string[];
}

/** The surface of the Agent SDK in a folder. @throws Error when its declarations are no longer laid out as they were. */
export function surfaceOf(folder: string): Surface {
  const declarations = declarationsIn(folder);
  const fields = /^ {4}(\w+)\??:/gm;
  return {
    values: names(declarations, /^export declare (?:class|const|function) (\w+)/gm),
    types: names(declarations, /^export declare (?:type|interface) (\w+)/gm),
    options: names(bodyOf(declarations, "export declare type Options = {", "\n};"), fields),
    methods: names(
      bodyOf(declarations, "export declare interface Query extends AsyncGenerator", "\n}"),
      /^ {4}(\w+)\(/gm,
    ),
    hooks: union(declarations, "HookEvent"),
    messages: union(declarations, "SDKMessage"),
    userMessageFields: names(
      bodyOf(declarations, "export declare type SDKUserMessage = {", "\n};"),
      fields,
    ),
  };
}

/** Every exported declaration by its name, without comments and layout. */
function declarationsOf(folder: string): Map<string, string> {
  const plain = declarationsIn(folder).replaceAll(/\/\*[\s\S]*?\*\//g, "");
  const each = plain.split(/^(?=(?:export )?declare )/m);
  const named = each.flatMap((text): [string, string][] => {
    const name = /^export declare \w+ (\w+)/.exec(text)?.[1];
    return name === undefined ? [] : [[name, text.replaceAll(/\s+/g, " ")]];
  });
  return new Map(named);
}

/** The exports that both versions have and that are declared otherwise in the second. */
export function changedDeclarations(before: string, after: string): string[] {
  const old = declarationsOf(before);
  return [...declarationsOf(after)]
    .filter(([name, text]) => old.has(name) && old.get(name) !== text)
    .map(([name]) => name);
}

/** The methods of `Query` that both versions have and whose signature differs: the new signatures. */
export function changedMethods(before: string, after: string): string[] {
  const signatures = (folder: string) => {
    const body = bodyOf(declarationsIn(folder), "export declare interface Query extends", "\n}");
    const found = body.matchAll(/^ {4}(\w+)(\([\s\S]*?\): [^;]+);$/gm);
    return new Map([...found].map(([, name, rest]) => [name!, rest!.replaceAll(/\s+/g, " ")]));
  };
  const old = signatures(before);
  return [...signatures(after)]
    .filter(([name, rest]) => old.has(name) && old.get(name) !== rest)
    .map(([name, rest]) => `${name}${rest}`);
}
