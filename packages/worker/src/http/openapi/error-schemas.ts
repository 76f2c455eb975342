import { ERRORS, type WireError } from "@claude-edge/protocol";
import * as z from "zod/mini";

import { schemaOf } from "./schema-of.js";

const codes = Object.keys(ERRORS) as [string, ...string[]];

/** Why something failed. A deployment of a later version may send other codes, so that the enumeration is open. */
export const errorDetails = schemaOf<WireError>()(
  z.object({
    code: z.union([z.enum(codes), z.string()]),
    message: z.string(),
    retryable: z.boolean(),
    suggestion: z.optional(z.string()),
    details: z.optional(z.record(z.string(), z.unknown())),
  }),
);

/** Any answer that is not a success. */
export const error = z.object({
  type: z.literal("error"),
  error: errorDetails,
  request_id: z.optional(z.string()),
});
