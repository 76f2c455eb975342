#!/usr/bin/env node
// Kept apart from the rest and in plain syntax: an old Node must get as far as the message.
const OLDEST = [22, 19] as const;
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    `error: claude-edge needs Node.js ${OLDEST.join(".")} or newer; this is ${process.versions.node}\n  fix: install a newer Node.js\n`,
  );
  process.exitCode = 2;
} else {
  const { main } = await import("./main.js");
  process.exitCode = await main(process.argv.slice(2));
}
