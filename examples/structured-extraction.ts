/**
 * Turns a letter into data: the outcome of the turn is a value of a zod schema, checked and transformed by it.
 *
 *   CLAUDE_EDGE_URL=… CLAUDE_EDGE_TOKEN=… node examples/structured-extraction.ts
 *
 * The lines with % tell the model of local mode what to answer; write prompts of your own for a real one.
 */
import assert from "node:assert/strict";

import { ClaudeEdge, ClaudeEdgeError } from "@claude-edge/client";
import * as z from "zod";

const Invoice = z.object({
  number: z.string(),
  due: z.iso.date().transform((day) => new Date(day)),
  items: z.array(z.object({ what: z.string(), cents: z.int() })).min(1),
});

const LETTER = `Invoice 2026-17, due on 1 December 2026.
Two chairs at 80.00, a table at 240.50.`;

const DATA = {
  number: "2026-17",
  due: "2026-12-01",
  items: [
    { what: "chairs", cents: 16_000 },
    { what: "table", cents: 24_050 },
  ],
};

const edge = new ClaudeEdge();
const { output, usage } = await edge.query(
  `Extract this invoice:\n${LETTER}\n%tool StructuredOutput ${JSON.stringify(DATA)}`,
  { output: Invoice },
);

const total = output.items.reduce((sum, { cents }) => sum + cents, 0);
console.log(`${output.number}: ${total / 100}, due ${output.due.toDateString()}`);
console.log(`It took ${usage?.output_tokens} tokens.`);
assert.equal(total, 40_050);
assert.equal(output.due.getUTCMonth(), 11);

// A letter that holds no invoice is an error, never an empty value.
const error: unknown = await edge
  .query("Extract this invoice:\nDear Ada, …\n%say This is no invoice.", { output: Invoice })
  .result()
  .catch((reason: unknown) => reason);
assert(error instanceof ClaudeEdgeError);
console.log(error.code, error.suggestion);
assert.equal(error.code, "output_invalid");
