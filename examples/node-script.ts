/**
 * A script: asks, streams a text, and keeps a conversation that it takes up again by its id.
 *
 *   npx claude-edge dev cli/template      # prints the two variables
 *   CLAUDE_EDGE_URL=… CLAUDE_EDGE_TOKEN=… node examples/node-script.ts
 *
 * The lines with % tell the model of local mode what to answer; write prompts of your own for a real one.
 */
import assert from "node:assert/strict";

import { ClaudeEdge } from "@claude-edge/client";

const edge = new ClaudeEdge();

const { text, usage } = await edge.query("What is 2+2?\n%say It is 4.");
console.log(`${text} (${usage?.output_tokens} tokens)`);
assert.equal(text, "It is 4.");

let story = "";
for await (const piece of edge.query("Tell me a story.\n%tokens 20").text()) {
  process.stdout.write(piece);
  story += piece;
}
console.log();
assert.equal(story.split(" ").length, 20);

const session = await edge.sessions.create({ title: "About Ada", tags: ["example"] });
await session.send("My name is Ada.");

// Another process would have the id from a database.
const later = edge.sessions.open(session.id);
const answer = await later.send("What is my name?");
console.log(answer.text);
assert.match(answer.text, /My name is Ada/);

await session.delete();
await assert.rejects(later.retrieve(), { code: "session_not_found" });
