/** How the older systems answer: a process for each request. Runs in the same image, in the runner's place. */
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

import { query } from "@anthropic-ai/claude-agent-sdk";

// What else would cost it seconds where there is no name server and no way out: see runner/src/bin.ts.
process.report.excludeNetwork = true;
const env = { ...process.env, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" };

createServer(async (request, response) => {
  if (request.url === "/health") return response.end("ok");
  const prompt = await text(request);
  const options = { env, settingSources: [], cwd: "/workspace", permissionMode: "acceptEdits" };
  for await (const message of query({ prompt, options })) {
    if (message.type === "result") response.end(message.result);
  }
}).listen(8080);
