import type { Proxy } from "./support/proxy.ts";

/** What came of one check. */
export interface Result {
  name: string;
  ok: boolean;
  error?: string | undefined;
}

/** What a runtime tells of the suite: a check's result, or that there are no more. */
export type Line = Result | { ended: true };

/** What the suite is told of the deployment. */
export interface Given {
  baseURL: string;
  /** The same behind a proxy that makes faults. */
  faultURL: string;
  token: string;
  account: string;
}

export interface Job {
  given: Given;
  /** For what the runtime wants to write: its own, and gone afterwards. */
  folder: string;
  proxy: Proxy;
  /** Aborts when the runtime takes too long: then its program is ended. */
  signal: AbortSignal;
  onLine(line: Line): void;
}

/** A runtime as it was found on this machine. */
export interface Found {
  version: string;
  /** Has the suite run on it. Rejects when the runtime itself fails. */
  run(job: Job): Promise<void>;
}

export interface Runtime {
  /** What it is called, with its version where one was chosen. */
  name: string;
  /** Looks for it, and gets it where that is possible. @throws Unavailable */
  find(folder: string): Promise<Found>;
}

/** This machine does not have the runtime and cannot get it; the message says why. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}
