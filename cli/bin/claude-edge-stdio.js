#!/usr/bin/env node
// `claude-edge stdio` as a file, for programs that take the path of an executable and no words after it.
process.argv.splice(2, 0, "stdio");
await import("../dist/bin.js");
