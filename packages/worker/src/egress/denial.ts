import type { NetworkDenial } from "@claude-edge/protocol";

import type { PolicyLevel } from "./network-policy.js";

/** Marks the gateway's own answers, which a host could also have given. */
const ERROR_HEADER = "x-claude-edge-error";

/** Why a request does not leave. */
export interface Refusal {
  reason: NetworkDenial;
  /** What was said to the question about it, or the ids of the requests that are open. */
  detail?: string | undefined;
}

export const WAYS_OUT: Record<NetworkDenial, (host: string, detail: string) => string> = {
  deployment: (host) =>
    `the deployment's network policy does not allow it. To allow it, add "${host}" to allowed_hosts of CLAUDE_EDGE_NETWORK in wrangler.jsonc and deploy.`,
  account: (host) =>
    `the account's network policy does not allow it. To allow it: claude-edge network allow ${host} --account <name>`,
  session: (host) =>
    `the session's network policy does not allow it. To allow it, put "${host}" into allowed_hosts of the session's options.network.`,
  refused: (_host, said) =>
    `somebody was asked and denied it for this turn${said && `: ${said}`}. Do not try again in this turn.`,
  unanswered: (_host, requests) =>
    `somebody was asked and has not answered yet${requests && ` (request ${requests})`}. Try again once it is answered.`,
  local: () => "private, link-local and metadata addresses are never reached.",
};

/** The same for the web tools of the model's API. */
export const WEB_TOOLS_WAYS_OUT: Record<PolicyLevel, string> = {
  deployment:
    "the deployment's network policy does not allow it. To allow it, set allow_web_tools of CLAUDE_EDGE_NETWORK in wrangler.jsonc to true and deploy.",
  account:
    "the account's network policy does not allow it. To allow it, set its allow_web_tools to true: PUT /v1/network.",
  session:
    "the session's network policy does not allow it. To allow it, create the session with allow_web_tools of options.network set to true.",
};

/** The answer to a request that does not leave, as text: it is read in the output of curl, git and npm. */
export function denial(host: string, { reason, detail = "" }: Refusal): Response {
  const text = `claude-edge: ${host} is not reachable from this container: ${WAYS_OUT[reason](host, detail)}\n`;
  return gatewayError(403, "network_denied", text);
}

/** The answer when an allowed host could not be reached. */
export function unreachable(host: string, why: string): Response {
  return gatewayError(
    502,
    "host_unreachable",
    `claude-edge: ${host} could not be reached: ${why}.\n`,
  );
}

function gatewayError(status: number, code: string, text: string): Response {
  const headers = { "content-type": "text/plain; charset=utf-8", [ERROR_HEADER]: code };
  return new Response(text, { status, headers });
}
