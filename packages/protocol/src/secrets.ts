import * as z from "zod/mini";

/** The most secrets that the deployment, an account or a session may have. */
export const MAX_SECRETS = 100;

/** The longest value of a secret, in UTF-8 bytes. */
export const MAX_SECRET_BYTES: number = 64 * 1024;

/** The most hosts that one secret may go to. */
export const MAX_SECRET_HOSTS = 20;

/** The longest name of a secret, in characters. */
export const MAX_SECRET_NAME = 128;

const places = z.strictObject({
  header: z.optional(z.union([z.boolean(), z.string()])),
  query: z.optional(z.boolean()),
  body: z.optional(z.boolean()),
});

/** Which parts of a request a secret is put into. Without any of it, headers alone. */
export type SecretPlaces = z.infer<typeof places>;

/** A secret as it is given. What it may hold is checked apart from the schema, so that each refusal has a code of its own. */
export const secretInput = z.strictObject({
  value: z.string(),
  hosts: z.array(z.string()),
  in: z.optional(places),
});
export type SecretInput = z.infer<typeof secretInput>;

/** Secrets of a session by name; `null` takes one away. */
export const sessionSecrets = z.record(z.string(), z.nullable(secretInput));
export type SessionSecrets = z.infer<typeof sessionSecrets>;

/** Whose a secret is. The narrower one of a name goes before the wider. */
export type SecretScope = "deployment" | "account" | "session";

/** What is told of a secret: never its value. Times are ISO 8601. */
export interface SecretResource {
  name: string;
  scope: SecretScope;
  /** The session that it is of. */
  session_id?: string;
  /** The hosts that get it, with globs and ports as in a network policy. */
  hosts: string[];
  in: SecretPlaces;
  created_at: string;
  updated_at: string;
  /** It was sealed with a root key that the deployment does not have any more: it has to be set again. */
  unreadable?: true;
}

/** Answer of `GET /v1/secrets`: by name. */
export interface SecretList {
  secrets: SecretResource[];
}
