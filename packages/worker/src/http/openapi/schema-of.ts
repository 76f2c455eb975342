import type * as z from "zod/mini";

type SameKeys<Left, Right> = [keyof Left] extends [keyof Right]
  ? [keyof Right] extends [keyof Left]
    ? unknown
    : never
  : never;

/** Holds a schema to the interface that it describes: it takes every value of it, and has no other fields. */
export const schemaOf =
  <Interface>() =>
  <Schema extends z.ZodMiniType>(
    schema: Schema &
      ([Interface] extends [z.output<Schema>] ? SameKeys<Interface, z.output<Schema>> : never),
  ): Schema =>
    schema;
