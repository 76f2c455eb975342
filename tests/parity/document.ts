/** Writes docs/parity.md: what of the Agent SDK goes over the network, and how. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { HOOKS, METHODS, OPTIONS, type Parity } from "../../packages/client/src/agent/parity.ts";
import { EXPORTS, type ExportParity } from "../../packages/client/src/agent/exports.ts";
import { DIFFERENCES } from "./differences.ts";

const runner = new URL("../../packages/runner/package.json", import.meta.url);
const { dependencies } = JSON.parse(readFileSync(runner, "utf8")) as {
  dependencies: Record<string, string>;
};

const HEAD = `# Parity with the Claude Agent SDK

\`query()\` of \`@claude-edge/client\`, and of \`@claude-edge/client/agent-sdk\`, takes the options and gives the messages of \`query()\` of \`@anthropic-ai/claude-agent-sdk\` ${dependencies["@anthropic-ai/claude-agent-sdk"]}. The agent runs in the account's container. This page is made from the tables in the code (\`npm run docs:parity\`); \`npm run test:parity\` runs the same programs on both and compares what they see, and once more on the Agent SDK with \`claude-edge stdio\` as its executable ([faces.md](faces.md)).

- **forwarded**: goes to the container.
- **caller**: runs in the program that called \`query()\`.
- **ignored**: has no meaning on a deployment, and is passed over with one warning: \`edge.logger.warn\`, or \`console.warn\` without a logger.
- **refused**: is not taken; \`query()\` throws \`option_refused\` with the reason. An empty value (\`{}\`, \`[]\`, null) is no refusal.

An option that is null counts as not given, and so does \`""\` or 0 where the Agent SDK passes on neither: \`model: ""\`, \`maxTurns: 0\`.

An option that the Agent SDK does not have is ignored, as the Agent SDK ignores it, with one warning that names it: \`edge.logger.warn\`, or \`console.warn\` without a logger.
`;

/** A row's words. A cell's bar would end it. */
const note = (parity: Parity | ExportParity) =>
  ("reason" in parity ? parity.reason : (parity.note ?? "")).replaceAll("|", "\\|");

function table(title: string, rows: Record<string, Parity | ExportParity>): string {
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

## Hooks

${table("event", HOOKS)}

## Exports

\`@claude-edge/client/agent-sdk\` exports what the Agent SDK exports, and needs it installed. All its types pass through. Of its values:

- **deployment**: the same, for sessions of a deployment. Each takes a field more, \`edge\`, as \`query()\` does. The functions on sessions that are given a \`sessionStore\` are the Agent SDK's own.
- **passed**: the installed Agent SDK's own.
- **absent**: not exported, for the reason given.

${table("value", EXPORTS)}

## Where the two differ

Besides ids, times and places:

${DIFFERENCES.map(({ id, way, reason }) => `- **${id}**${way === "stdio" ? " (of `claude-edge stdio` alone)" : ""}: ${reason}`).join("\n")}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("../../docs/parity.md", import.meta.url), parityPage());
}
