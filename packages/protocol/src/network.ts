import * as z from "zod/mini";

import { networkPolicy, type NetworkPolicy } from "./network-policy.js";
import { accountName } from "./requests.js";

/**
 * Body of `PUT /v1/network`. `policy: null`: the deployment's alone counts again. `granted`: the hosts that stay granted to
 * the account; all do without it.
 */
export const setNetworkRequest = z.strictObject({
  accountId: z.optional(accountName),
  policy: z.nullable(networkPolicy),
  granted: z.optional(z.array(z.string())),
});
export type SetNetworkRequest = z.infer<typeof setNetworkRequest>;

/** Answer of `GET /v1/network`. A host is reached if every policy that is there allows it. */
export interface NetworkReport {
  account: string;
  deployment: NetworkPolicy;
  /** The account's own; null when it has none. */
  own: NetworkPolicy | null;
  /** Hosts that were allowed for the account when somebody was asked about them. */
  granted: string[];
}

/**
 * Why a request did not leave a container: the widest policy that does not allow the host; `refused` or `unanswered` when
 * somebody was asked about it; or `local`, which no policy allows: a private, link-local or metadata address.
 */
export type NetworkDenial =
  | "deployment"
  | "account"
  | "session"
  | "refused"
  | "unanswered"
  | "local";

/** What the container asked of a host during a turn. With several turns in one container each of them counts it. */
export interface NetworkUse {
  /** Empty for what came between turns. */
  turn_id: string;
  /** `*` sums up the hosts beyond the first 200 of a turn. */
  host: string;
  /** Requests, denied ones not counted. */
  requests: number;
  denied: number;
  /** Bytes of bodies, as far as they are known. */
  sent_bytes: number;
  received_bytes: number;
}

/** Answer of `GET /v1/sessions/{id}/network`, oldest turn first. */
export interface NetworkUseList {
  hosts: NetworkUse[];
}
