type Method = (...args: never) => unknown;

/**
 * An object as others call it: each method gives a promise. The runtime's own stub type cannot express `unknown` in
 * results.
 */
export type Stub<Target> = {
  [Name in keyof Target as Target[Name] extends Method ? Name : never]: Target[Name] extends (
    ...args: infer Args
  ) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};
