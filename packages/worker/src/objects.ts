import { EdgeError } from "@claude-edge/protocol";

import type { Env } from "./env.js";
import { throughSkew } from "./through-resets.js";

const JURISDICTIONS = ["eu", "fedramp"] as const;

/** A jurisdiction of Cloudflare's that Durable Objects and R2 both know. */
export type Jurisdiction = (typeof JURISDICTIONS)[number];

/** A port as the object itself serves it. */
export type Served<Port> = {
  [Method in keyof Port]: Port[Method] extends (...args: infer Args) => Promise<infer Result>
    ? (...args: Args) => Result | Promise<Result>
    : never;
};

/** What workerd says instead of applying one, which only the platform can. */
const NOT_IN_WORKERD = "Jurisdiction restrictions are not implemented in workerd";

/** Where objects run and store their data; undefined: anywhere. @throws EdgeError `setting_invalid`. */
export function jurisdictionOf({ CLAUDE_EDGE_JURISDICTION: given }: Env): Jurisdiction | undefined {
  if (!given) return undefined;
  const known = JURISDICTIONS.find((name) => name === given);
  if (known) return known;
  const message = `CLAUDE_EDGE_JURISDICTION is ${JSON.stringify(given)}; it can be ${JURISDICTIONS.join(" or ")}.`;
  throw new EdgeError("setting_invalid", message);
}

type Kind = "ACCOUNT" | "SESSION" | "CONTAINER" | "DEPLOYMENT";

/**
 * An object, in the deployment's jurisdiction. Each call gets a stub of its own: one stays broken once its object was
 * reset. A method that an object of another version lacks is waited for ({@link throughSkew}). Callers give its type: the
 * runtime's cannot express `unknown` in results.
 * @throws EdgeError `setting_invalid`.
 */
export function objectNamed<Port extends object>(env: Env, kind: Kind, name: string): Port {
  const namespace = within(env[kind], jurisdictionOf(env));
  return patient(() => namespace.getByName(name)) as Port;
}

/** The id of an object. @throws EdgeError `setting_invalid`. */
export const objectId = (env: Env, kind: Kind, name: string): string =>
  within(env[kind], jurisdictionOf(env)).getByName(name).id.toString();

type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** An object whose calls wait while it is of another version. */
export function patient(stub: () => unknown): unknown {
  return new Proxy(
    {},
    {
      get: (_target, name) => {
        // Whoever awaits the object itself asks for this.
        if (typeof name !== "string" || name === "then") return undefined;
        return (...args: unknown[]) => {
          const call = () => (stub() as Methods)[name]!(...args);
          // A stream is sent once.
          return args.flat().some((arg) => arg instanceof ReadableStream)
            ? call()
            : throughSkew(call);
        };
      },
    },
  );
}

function within(
  namespace: DurableObjectNamespace,
  jurisdiction: Jurisdiction | undefined,
): DurableObjectNamespace {
  if (jurisdiction === undefined) return namespace;
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (error) {
    // This machine has no jurisdictions: `dev`, `serve` and tests run without. On the platform nothing is let pass.
    if (String(error).includes(NOT_IN_WORKERD)) return namespace;
    throw error;
  }
}
