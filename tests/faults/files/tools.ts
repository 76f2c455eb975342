/** A tool call of the turn, and the shell command that does the same to a folder. */
export interface FileTool {
  name: "Bash" | "Write";
  input: Record<string, string>;
  command: string;
}

/** Bytes that are no text, and the same each time. */
const binary = (path: string, seed: string, bytes = 300_000) =>
  `node -e 'const { createHash } = require("crypto"); require("fs").writeFileSync("${path}", createHash("shake256", { outputLength: ${bytes} }).update("${seed}").digest())'`;

const many = (folder: string, count: number, text: string) =>
  `mkdir -p ${folder}; for i in $(seq ${count}); do echo "${text} $i" > ${folder}/$i.txt; done`;

const bash = (...commands: string[]): FileTool => {
  const command = commands.join("; ");
  return { name: "Bash", input: { command }, command };
};

/** The heredoc ends with a line feed, so the text has to. */
const write = (path: string, text: string): FileTool => ({
  name: "Write",
  input: { file_path: path, content: text },
  command: `mkdir -p "$(dirname '${path}')"; cat > '${path}' << 'TOOL_END'\n${text}TOOL_END\n`,
});

/** What the tools of a turn do to the files, each in several ways at once; no step of one can fail. */
export const TOOLS: FileTool[] = [
  bash(many("src", 5, "source"), "mkdir -p empty", "echo log > log.txt", "ln -s src/1.txt first"),
  bash("echo more >> log.txt", binary("image.bin", "one"), "chmod 755 src/2.txt"),
  write("docs/guide/intro.md", "# Intro\n\nWritten by a tool.\n"),
  bash(
    "echo SOURCE 1 > src/1.txt",
    "rm src/3.txt",
    "mv docs/guide docs/manual",
    "echo 4 >> log.txt",
  ),
  bash(
    many("lib/deep/er", 12, "deep"),
    "rmdir empty",
    "ln -s ../log.txt docs/log",
    "chmod 600 log.txt",
  ),
  bash(
    "mv src source",
    "rm first; ln -s source/1.txt first",
    "printf '' > zero",
    "cp image.bin copy.bin",
  ),
  bash("rm copy.bin; mkdir copy.bin; echo inside > copy.bin/file", "touch 'a name with  spaces'"),
  write("ünïcode/ñame.txt", "Namen, die keine ASCII sind.\n"),
  bash(
    binary("image.bin", "two"),
    "mv zero source/zero",
    "chmod 500 lib/deep/er",
    "echo 9 >> log.txt",
  ),
  bash(
    "chmod 755 lib/deep/er",
    "rm -r lib; echo a file now > lib",
    "cp -r docs docs2",
    "mkdir -m 700 closed",
  ),
  bash(many("tree/a", 8, "a"), many("tree/b", 8, "b"), "ln -s a tree/link", "echo 11 >> log.txt"),
  bash("mv tree/a tree/c; mv tree/b tree/a; mv tree/c tree/b", "echo swapped >> log.txt"),
  bash("rm tree/link; mkdir tree/link; echo x > tree/link/x", "chmod 644 log.txt", "rm first"),
  write("closed/secret.json", '{ "written": 14, "by": "a tool" }\n'),
  bash("head -c 1000 image.bin > part.bin", binary("image.bin", "one"), "rm -r docs2/manual"),
  bash(
    "for i in 1 2 4 5; do echo line >> source/$i.txt; done",
    "mv source tree/source",
    "ln -s nowhere dangling",
  ),
  bash(binary("big.bin", "big", 1_500_000), "chmod 400 part.bin", "echo 17 >> log.txt"),
  bash("cp -r tree tree2; rm -r tree/a", "mv 'a name with  spaces' short", "chmod 775 tree2"),
  bash(
    "printf 'x%.0s' $(seq 1000) | tr x y > big.bin",
    "rm -f part.bin; ln -s short part.bin",
    "rmdir empty2 2>/dev/null || mkdir empty2",
  ),
  bash("rm -rf tree2/source ünïcode", "chmod 644 lib; echo last >> lib", many("end", 6, "end")),
];

/** The turn: its tools one after the other, each asked for when the result of the one before it is in. */
export const PROMPT: string = [
  ...TOOLS.map(({ name, input }, index) => {
    return `%say ${index + 1}.\n%tool ${name} ${JSON.stringify(input)}`;
  }),
  "%say Done.",
].join("\n");
