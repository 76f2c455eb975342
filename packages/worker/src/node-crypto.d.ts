/** The part of `node:crypto` used here. workerd enables it by default since compatibility date 2026-08-04. */
declare module "node:crypto" {
  interface Hash {
    update(data: string | Uint8Array): this;
    digest(encoding: "hex"): string;
  }
  export function createHash(algorithm: "sha256"): Hash;
}
