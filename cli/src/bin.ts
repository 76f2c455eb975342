// Kept apart from the rest and in plain syntax: an old Node must get as far as the message.
declare const __VERSION__: string;

const OLDEST = [22, 19] as const;
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    `error: claude-edge needs Node.js ${OLDEST.join(".")} or newer; this is ${process.versions.node}\n  fix: install a newer Node.js\n`,
  );
  process.exitCode = 2;
} else if (process.argv.length === 3 && ["-v", "--version"].includes(process.argv[2]!)) {
  // The parser takes 8 ms to load, and there is nothing to parse.
  process.stdout.write(`${__VERSION__}\n`);
} else {
  const { run } = await import("./run.js");
  await run(process.argv.slice(2));
}
