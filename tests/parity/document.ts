/** Writes docs/parity.md: what of the Agent SDK goes over the network, and how. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { METHODS, OPTIONS, type Parity } from "../../packages/client/src/agent/parity.ts";
import { DIFFERENCES } from "./differences.ts";

const runner = new URL("../../packages/runner/package.json", import.meta.url);
const { dependencies } = JSON.parse(readFileSync(runner, "utf8")) as {
  dependencies: Record<string, string>;
};

const HEAD = `# Parity with the Claude Agent SDK

\`query()\` of \`@claude-edge/client\` takes the options and gives the messages of \`query()\` of \`@anthropic-ai/claude-agent-sdk\` ${dependencies["@anthropic-ai/claude-agent-sdk"]}. The agent runs in the account's container. This page is made from the tables in the code (\`npm run docs:parity\`); \`npm run test:parity\` runs the same programs on both and compares what they see.

- **forwarded**: goes to the container.
- **caller**: runs in the program that called \`query()\`.
- **refused**: is not taken; \`query()\` throws \`option_refused\` with the reason.
`;

/** A row's words. A cell's bar would end it. */
const note = (parity: Parity) =>
  (parity.class === "refused" ? parity.reason : (parity.note ?? "")).replaceAll("|", "\\|");

function table(title: string, rows: Record<string, Parity>): string {
  const lines = Object.entries(rows).map(
    ([name, parity]) => `| \`${name}\` | ${parity.class} | ${note(parity)} |`,
  );
  return [`| ${title} | class | how |`, "| --- | --- | --- |", ...lines].join("\n");
}

/** The page. */
export function parityPage(): string {
  return `${HEAD}
## Options

${table("option", OPTIONS)}

## Methods of \`Query\`

${table("method", METHODS)}

## Where the two differ

Besides ids, times and places:

${DIFFERENCES.map(({ id, reason }) => `- **${id}**: ${reason}`).join("\n")}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("../../docs/parity.md", import.meta.url), parityPage());
}
