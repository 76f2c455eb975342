import { WorkerEntrypoint } from "cloudflare:workers";

import { EdgeError, SESSION_ID, toWireError } from "@claude-edge/protocol";
import { MODEL_HOST, TRACES_HOST } from "@claude-edge/protocol/runner";

import type { Env } from "../env.js";
import { statusOf } from "../errors.js";
import { configureLog, logger } from "../logger.js";
import { objectNamed } from "../objects.js";
import { readCollector } from "../otlp-settings.js";
import { holdMs, privateHosts } from "../settings.js";
import { Resolver } from "./dns.js";
import { callModel, callCounter } from "./model-call.js";
import { originMark } from "./origin-mark.js";
import { sendOut } from "./outbound.js";
import { Questions, type QuestionPort } from "./question.js";
import { messagesError } from "./refusal.js";
import { ruleBook } from "./rule-book.js";
import { secretsFor } from "./secret-source.js";
import { targetOf } from "./target.js";
import { relayTraces } from "./traces-relay.js";
import { TrafficLog, type HostTraffic, type TrafficPort } from "./traffic.js";

/** Properties of a container's gateway. The Worker sets them; the container cannot change them. */
export interface GatewayProps {
  account: string;
  /** The session that the container belongs to alone. */
  session: string | undefined;
}

/** Names the session of a model call. A container could forge it, but only within its own account. */
const SESSION_HEADER = "x-claude-code-session-id";

/** Shared by all requests that this isolate serves. */
const resolver = new Resolver();
const traffic = new TrafficLog();
const questions = new Questions();

/**
 * A container's only way out. Model calls get the credential and are counted; all else goes where the network policies allow
 * it.
 */
export class Gateway extends WorkerEntrypoint<Env, GatewayProps> {
  readonly #rules = (fresh: boolean) => {
    const { account, session } = this.ctx.props;
    return ruleBook.of(this.env, account, session, fresh);
  };

  override async fetch(request: Request): Promise<Response> {
    configureLog(this.env);
    const url = new URL(request.url);
    const { host } = targetOf(url);
    if (host === MODEL_HOST) return this.#callModel(request, url);
    if (host === TRACES_HOST && readCollector(this.env)) return this.#relayTraces(request);
    return this.#sendOut(request);
  }

  async #relayTraces(request: Request): Promise<Response> {
    try {
      return await relayTraces(this.env, this.ctx.props.account, request);
    } catch (error) {
      logger.error("spans not passed on", { account: this.ctx.props.account, error });
      return Response.json({}, { status: 503 });
    }
  }

  async #callModel(request: Request, { pathname }: URL): Promise<Response> {
    const session = request.headers.get(SESSION_HEADER) ?? "";
    const { account } = this.ctx.props;
    const subject = { account, session: SESSION_ID.test(session) ? session : undefined };
    try {
      return await callModel(this.env, request, pathname, {
        account,
        counter: callCounter(this.env, account, subject.session ?? ""),
        rules: this.#rules,
        waitUntil: (work) => this.ctx.waitUntil(work),
      });
    } catch (error) {
      const wire = toWireError(error);
      if (wire.code === "internal") logger.error("model call failed", { ...subject, error });
      return messagesError(wire, statusOf(wire));
    }
  }

  async #sendOut(request: Request): Promise<Response> {
    const { account, session } = this.ctx.props;
    const container = `${account}/${session ?? ""}`;
    const subject = { account, session };
    const report = (collected: HostTraffic[]) => this.#account().addTraffic(session, collected);
    try {
      return await sendOut(request, {
        subject,
        rules: this.#rules,
        ask: (host, { method, signal }, otherwise) =>
          questions.ask(
            container,
            { ...host, method },
            (question, known) => this.#account().askNetwork(session, question, known),
            { holdMs: holdMs(this.env), signal, otherwise },
          ),
        privateHosts: privateHosts(this.env),
        resolver,
        mark: originMark(this.env),
        traffic: (host, method) =>
          traffic.entry(container, host, method, report, (work) => this.ctx.waitUntil(work)),
        tell: (host) => traffic.tell(container, host, report),
        secrets: (...asked) => secretsFor(this.env, this.ctx.props, ...asked),
      });
    } catch (error) {
      const { code, message } = toWireError(error);
      if (code === "internal") logger.error("request of a container failed", { ...subject, error });
      const text = error instanceof EdgeError ? message : "the gateway failed; try again.";
      return new Response(`claude-edge: ${text}\n`, { status: 502 });
    }
  }

  #account(): TrafficPort & QuestionPort {
    return objectNamed<TrafficPort & QuestionPort>(this.env, "ACCOUNT", this.ctx.props.account);
  }
}
