/** The files that `npm test` lets start a stack of their own, and why none of the shared ones will do. */
export const OWN_STACKS: Record<string, string> = {
  "cli/test/dev.test.ts": "starts one by `claude-edge dev`, which is what it tests",
  "tests/integration/certificates.test.ts": "leads names to a server of its own",
  "tests/integration/logs.test.ts": "reads all that its stack logs, at the level debug",
};
