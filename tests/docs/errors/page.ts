import { ERRORS, UNAVAILABLE, type ErrorCode, type ErrorPolicy } from "@claude-edge/protocol";

import { MEANINGS } from "./meanings.ts";

const HEAD = `# Troubleshooting

Every error has a \`code\`. Over HTTP it is \`error.code\` of the body, in the client it is \`error.code\`, and the CLI prints it with \`--output-format json\`. Branch on it, never on the message.

This page is made from the table of errors in the code (\`npm run docs:errors\`).

Start with \`claude-edge doctor\`. It looks at your machine, the project and the deployment, and names each fault with its fix. For a single request, take the \`request_id\` of the answer (\`x-request-id\`) and look for it in the logs: \`claude-edge logs\`.

- **Status** is the status of the HTTP answer. A code without one is raised by the client, the CLI or the agent, and never travels as an answer.
- **Retry** says whether the same request may be sent again, unchanged, with some hope. The client does that by itself where it is safe.
- **Exit** is the [exit code](cli.md#exit-codes) of the CLI.`;

const withinCell = (text: string) => text.replaceAll("|", "\\|");

function entry(code: ErrorCode, { status, retryable, exit, suggestion }: ErrorPolicy): string {
  const facts = [
    status === 0 ? "no status" : `status ${status}`,
    retryable ? "retry" : "no retry",
    `exit ${exit}`,
  ];
  const fix = suggestion && `Fix: ${suggestion}`;
  return [`### ${code}`, facts.join(" · "), MEANINGS[code], fix].filter(Boolean).join("\n\n");
}

/** docs/troubleshooting.md. */
export function troubleshootingPage(): string {
  const codes = (Object.keys(ERRORS) as ErrorCode[]).toSorted();
  const reasons = Object.entries(UNAVAILABLE).map(
    ([reason, suggestion]) => `| \`${reason}\` | ${withinCell(suggestion)} |`,
  );
  return [
    HEAD,
    "## Why there is no container",
    "`details.reason` of [`container_unavailable`](#container_unavailable), each with its fix:",
    ["| reason | what to do |", "| --- | --- |", ...reasons].join("\n"),
    "## Codes",
    ...codes.map((code) => entry(code, ERRORS[code])),
  ]
    .join("\n\n")
    .concat("\n");
}
