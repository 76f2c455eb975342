/** The part of Node's module that is used here: workerd has it by default from compatibility date 2026-08-04 on. */
declare module "node:crypto" {
  interface Hash {
    update(data: string | Uint8Array): this;
    digest(encoding: "hex"): string;
  }
  export function createHash(algorithm: "sha256"): Hash;
}
