import type { DeploymentStatus } from "@claude-edge/protocol";
import { wireError } from "@claude-edge/protocol/errors";
import {
  ACCOUNT_HEADER,
  isCapacityCause,
  isErrorAnswer,
  isHealth,
  PROTOCOL_VERSION,
  protocolProblem,
  type Health,
} from "@claude-edge/protocol/wire";

import { judgeModelCredential } from "./credentials.js";
import { DEV_ORIGIN } from "../target/target.js";
import { fail, ok, skip, warn, type Finding } from "./finding.js";
import { ask, explainFailure, explainStranger, type Answer } from "./reach.js";
import type { Named } from "./target.js";

declare const __VERSION__: string;

/** A clock that is further off than this is a fault, milliseconds. */
const MAX_SKEW_MS = 60_000;

const BRING_TOGETHER =
  "bring both to one version: install that of the project and deploy it (`claude-edge deploy`)";

/** A deployment that answers, and how. */
export interface Reached {
  target: Named;
  answer: Answer;
  health: Health;
}

/** Its status, and how to ask for it again. */
export interface Known {
  target: Named;
  status: DeploymentStatus;
}

const parse = ({ text }: Answer): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Whether a deployment answers there. Sends no key: it may be somebody else's page. */
export async function checkReach(target: Named, signal: AbortSignal): Promise<Finding<Reached>> {
  const url = `${target.baseURL}/health`;
  let answer: Answer;
  try {
    answer = await ask(url, { signal });
  } catch (error) {
    const finding = explainFailure(error, url);
    const fix = "start `claude-edge dev` again: the one whose file names this address is gone";
    return target.isDev ? fail(finding.message, fix) : finding;
  }
  const health = parse(answer);
  if (answer.status !== 200 || !isHealth(health)) return explainStranger(answer, url);
  return ok(`answers in ${answer.cameAt - answer.sentAt} ms (${url})`, { target, answer, health });
}

/** Whether this machine's clock agrees with the deployment's. */
export function checkClock({ answer: { headers, sentAt, cameAt } }: Reached): Finding {
  const theirs = Date.parse(headers.get("date") ?? "");
  if (Number.isNaN(theirs)) return skip("the deployment's answer bears no date");
  const skewMs = (sentAt + cameAt) / 2 - theirs;
  if (Math.abs(skewMs) <= MAX_SKEW_MS)
    return ok("this machine's clock agrees with the deployment's");
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const message = `this machine's clock is ${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} the deployment's`;
  return warn(
    message,
    "set this machine's clock, by NTP at best: tokens and certificates expire by it",
  );
}

/** Whether the deployment is of this program's version. */
export function checkVersion({ health: { version, protocol } }: Reached): Finding {
  const us = { name: "claude-edge", protocol: PROTOCOL_VERSION };
  if (protocolProblem(us, { name: "deployment", protocol })) {
    const message = `the deployment (${version}) speaks protocol ${protocol}, this claude-edge (${__VERSION__}) ${PROTOCOL_VERSION}`;
    return fail(message, BRING_TOGETHER);
  }
  if (version !== __VERSION__) {
    return warn(`the deployment is ${version}, this claude-edge ${__VERSION__}`, BRING_TOGETHER);
  }
  return ok(`the deployment is ${version}, protocol ${protocol}`);
}

/** Headers that speak for the caller. */
export function authorized({ token, account }: Named): Record<string, string> {
  return {
    authorization: `Bearer ${token}`,
    ...(account === undefined ? {} : { [ACCOUNT_HEADER]: account }),
  };
}

/** Whether the deployment takes the key: it then tells its status. */
export async function checkAccess(
  { target }: Reached,
  signal: AbortSignal,
): Promise<Finding<Known>> {
  const { status, refusal } = await askStatus(target, signal);
  if (!refusal)
    return ok(`the deployment takes the key from ${target.tokenOrigin}`, { target, status });
  const isOther = target.isDev && target.tokenOrigin !== DEV_ORIGIN && refusal.status === "fail";
  if (!isOther) return refusal;
  const fix = `unset ${target.tokenOrigin} to use the root key of \`claude-edge dev\``;
  return fail(refusal.message, `${fix}; or ${refusal.fix ?? "give another"}`);
}

/** The deployment's status, or why there is none. */
type Asked = { status: DeploymentStatus; refusal?: never } | { status?: never; refusal: Finding };

/** The deployment's status; `start`: with the account's container started. */
export async function askStatus(target: Named, signal: AbortSignal, start = false): Promise<Asked> {
  const url = `${target.baseURL}/v1/status${start ? "?start=true" : ""}`;
  const answer = await ask(url, { headers: authorized(target), signal });
  const body = parse(answer);
  if (answer.status === 200 && isStatus(body)) return { status: body };
  return { refusal: explainRefusal(answer, url) };
}

function explainRefusal(answer: Answer, url: string): Finding {
  const body = parse(answer);
  if (!isErrorAnswer(body)) return explainStranger(answer, url);
  const { code, message, suggestion, details } = body.error;
  if (code === "not_found") {
    const fix = `deploy version ${__VERSION__} of claude-edge, which tells its status`;
    return warn("the deployment takes the key, and is too old to tell its status", fix);
  }
  const reason = typeof details?.reason === "string" ? `, ${details.reason}` : "";
  const waits = isCapacityCause(details?.reason) ? "; turns wait for one" : "";
  return fail(`${message} (${code}${reason}${waits})`, suggestion);
}

function isStatus(body: unknown): body is DeploymentStatus {
  const { version, protocol, runner_protocol, container } = (body ??
    {}) as Partial<DeploymentStatus>;
  return (
    typeof version === "string" &&
    typeof protocol === "number" &&
    typeof runner_protocol === "number" &&
    typeof container?.state === "string"
  );
}

/** Whether the deployment has a model credential, of the right kind. */
export function checkModel({ target, status: { model } }: Known): Finding {
  const set = (variable: string) =>
    target.isDev
      ? `set ${variable} in .dev.vars`
      : `set it: \`claude-edge secrets set ${variable}\``;
  if (model) return judgeModelCredential(model, "the deployment", set);
  const { message, suggestion } = wireError(
    "model_not_configured",
    "the deployment has no model credential",
  );
  return fail(`${message} (model_not_configured)`, suggestion);
}

/** Where the deployment keeps the files of sessions: nothing is wrong with either. */
export function checkFiles({ status: { files } }: Known): Finding {
  if (!files) return skip("the deployment does not tell where it keeps files");
  if (files.storage === "r2") return ok("kept in R2");
  const mib = Math.floor((files.max_bytes ?? 0) / 1024 ** 2);
  return ok(
    `kept in the sessions' own storage, up to ${mib} MiB each; there is no R2 binding FILES`,
  );
}
