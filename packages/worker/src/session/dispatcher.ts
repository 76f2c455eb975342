import { EdgeError, errorPolicy, toWireError } from "@claude-edge/protocol";
import { DRAINING, type StartTurn, type TurnStarted } from "@claude-edge/protocol/runner";

import { messageOf, unavailable, unavailableReason } from "../container/failure.js";
import { Patience } from "../container/patience.js";
import type { PlacedRunner } from "../container/places.js";
import { callRunner, type RunnerAnswer } from "../container/runner-client.js";
import { placeAttachments } from "../files/place-attachments.js";
import { iso } from "../iso.js";
import { logger } from "../logger.js";
import { capacityPatienceMs, holdMs } from "../settings.js";
import { CapacityWait } from "./capacity-wait.js";
import { refusalOf, type RunnerRefusal } from "./runner-refusal.js";
import { sendTranscript } from "./send-transcript.js";
import { accountPort } from "./account-link.js";
import { runnerVariables } from "./session-secrets.js";
import { childTraceparent } from "./span-id.js";
import type { TurnContext } from "./turn-context.js";
import type { TurnEnd } from "./turn-end.js";

/** Attempts to hand a turn to the runner when the reply is lost. */
const MAX_PUTS = 3;

/** What a trace tells of a container. */
const launchOf = ({ launch }: PlacedRunner) =>
  launch
    ? { started: true, start_ms: launch.ms, runner: launch.runner, snapshot: launch.fromSnapshot }
    : { started: false };

/** A runner's answer to a turn. */
type Offered = RunnerAnswer<Partial<TurnStarted & RunnerRefusal>>;

/** What becomes of a turn that is being sent. */
interface TurnEnds {
  end(id: string, end: TurnEnd): void;
  /** Ends a turn that was interrupted before a runner had it. */
  endInterrupted(id: string): void;
  sendInterrupt(id: string): Promise<boolean>;
  onFilesFailed(id: string, thrown: unknown): Promise<void>;
}

/** Sends the session's turns to its runner, which is started if needed. */
export class Dispatcher {
  readonly #of: TurnContext;
  readonly #turns: TurnEnds;
  /** Turns that are being sent. */
  readonly #dispatching = new Set<string>();
  /** Their waits for a container that cannot be had now. Such a turn keeps its slot: it was admitted, and is next. */
  readonly #waits = new Map<string, CapacityWait>();

  constructor(context: TurnContext, turns: TurnEnds) {
    this.#of = context;
    this.#turns = turns;
  }

  /** Whether a runner may be taking the turn now. */
  isSending(id: string): boolean {
    return this.#dispatching.has(id);
  }

  /** Whether the turn waits for a container: no runner can have taken it. */
  isWaiting(id: string): boolean {
    return this.#waits.get(id)?.isOn ?? false;
  }

  /** Ends the waits of turns that are over. */
  stopWaiting(): void {
    for (const [id, wait] of this.#waits) if (!this.#of.store.isOpen(id)) wait.stop();
  }

  /** Sends a turn to the runner, unless it is being sent. One that cannot be sent is ended. */
  dispatch(id: string): void {
    if (this.#dispatching.has(id)) return;
    this.#dispatching.add(id);
    this.#of.store.timings.open(id);
    const sent = this.#send(id)
      .catch((thrown: unknown) => {
        const known = toWireError(thrown);
        if (known.code === "internal") {
          logger.error("turn not sent", { ...this.#of.store.subject, turn: id, error: thrown });
        }
        const message = "The container could not be reached";
        const said = messageOf(thrown);
        const error =
          known.code === "internal"
            ? toWireError(unavailable(message, unavailableReason(said) && said))
            : known;
        this.#turns.end(id, { status: "failed", error });
      })
      .finally(() => {
        this.#dispatching.delete(id);
        this.#waits.delete(id);
      });
    this.#of.ctx.waitUntil(sent);
  }

  async #send(id: string): Promise<void> {
    const { store, log, runnerLog, files, steering } = this.#of;
    await log.whenReplayed();
    if (!store.isOpen(id)) return;
    placeAttachments(files, store, id);
    const wait = this.#waitOf(id);
    this.#waits.set(id, wait);
    let answer: Offered | undefined;
    for (;;) {
      answer = await this.#offer(id, wait);
      if (!answer || answer.ok) break;
      const refusal = refusalOf(answer.body);
      const { message } = refusal;
      const isBusy = answer.status === 503;
      const failure = isBusy
        ? new EdgeError("container_full", message, { retry_after_s: answer.retryAfterS })
        : // The previous turn may have ended here while the runner is still ending it.
          refusal;
      if (!(await wait.after(failure))) throw refusal;
    }
    if (!answer || !store.isOpen(id)) return;
    const { boot } = answer.body as TurnStarted;
    runnerLog.follow(boot);
    store.setBoot(id, boot);
    store.setTranscriptBoot(boot);
    steering.deliver();
    if (store.turn(id)!.interrupted) await this.#turns.sendInterrupt(id);
  }

  /** Offers a turn to the session's runner, which is started if needed. Undefined when the turn is over. */
  async #offer(id: string, wait: CapacityWait): Promise<Offered | undefined> {
    const { store, placement } = this.#of;
    if (!store.isOpen(id)) return undefined;
    wait.suspend();
    // There is no need to ask for it first.
    const { isSettled } = placement;
    let answer = isSettled ? await this.#put(id).catch(() => undefined) : undefined;
    for (let recheck = isSettled, tries = 0; !answer; recheck = true, tries += 1) {
      const isWanted = () => store.isOpen(id);
      const onPlaced = store.timings.begin(id, { kind: "container", name: "container" });
      const placed = await placement.ensure({ recheck, isWanted, waitAfter: wait.after });
      if (!placed) return undefined;
      onPlaced({ attributes: launchOf(placed) });
      wait.suspend();
      if (store.turn(id)!.interrupted) {
        this.#turns.endInterrupted(id);
        return undefined;
      }
      // Safe to repeat: if the runner took the turn and only the reply was lost, it is the same turn.
      answer = await this.#put(id).catch((error: unknown) => {
        const { code } = toWireError(error);
        if (tries >= MAX_PUTS || !errorPolicy(code).retryable) throw error;
        return undefined;
      });
    }
    return answer;
  }

  /** The wait of a turn for a container, which goes on over a restart of this object. */
  #waitOf(id: string): CapacityWait {
    const { store, log, env } = this.#of;
    const since = store.turn(id)!.waiting_since ?? undefined;
    const patience = new Patience(capacityPatienceMs(env), since);
    return new CapacityWait(patience, (told) => {
      if (!store.isOpen(id) || log.isHeld || store.turn(id)!.waiting_since !== null) return;
      store.transaction(() => {
        store.setWaitingSince(id, told.since);
        log.emitOwn(id, "turn", {
          session_id: store.id,
          status: "queued",
          reason: "waiting_for_capacity",
          since: iso(told.since),
          cause: told.cause,
        });
      });
    });
  }

  /** Sends a turn to the runner, preceded by the transcript and files that it lacks. */
  async #put(id: string): Promise<Offered> {
    const { store, env, runnerLog, workspace, container, ctx } = this.#of;
    const { resumed } = store.turn(id)!;
    // Asked for while the rest is sent.
    const variables = runnerVariables(store, accountPort(env, store.account));
    variables.catch(() => {});
    const onTranscript = store.timings.begin(id, { kind: "transcript", name: "transcript" });
    const { isSent, refusal } = await sendTranscript(store, container());
    if (refusal) return refusal;
    if (isSent) onTranscript();
    const onFiles = store.timings.begin(id, { kind: "files", name: "files" });
    const { complete, missing } = await workspace.send();
    if (missing !== undefined) {
      const attributes = { missing };
      complete.then(
        () => onFiles({ attributes }),
        () => onFiles({ attributes, failed: true }),
      );
    }
    const options = { ...store.options.get(), ...(await variables) };
    // The turn may have ended meanwhile, or its session may have been deleted.
    if (!store.isOpen(id)) throw new EdgeError("session_not_found", "The turn is over.");
    const answered = store.requests
      .openOf(id)
      .filter(({ status, tool_use_id }) => status !== "pending" && tool_use_id !== null);
    const answers = Object.fromEntries(
      answered.map((row) => [row.tool_use_id, store.requests.answerOf(row)]),
    );
    const attachments = store
      .attachmentsOf(id)
      .flatMap((attachment) => ("path" in attachment ? [attachment.path] : []));
    const input = store.inputOf(id);
    // With a collector the turn has a span, which is what its process belongs to.
    if (store.unsent.isOn) input.traceparent = childTraceparent(id, input.traceparent);
    const start: StartTurn = {
      ...input,
      ...(attachments.length > 0 ? { attachments } : {}),
      options,
      hold_ms: holdMs(env),
      ...(resumed > 0 ? { resume: true } : {}),
      ...store.ephemeral.start(),
      ...(answered.length > 0 ? { answers } : {}),
    };
    const answer = await callRunner<Partial<TurnStarted & RunnerRefusal>>(
      container(),
      "PUT",
      `/sessions/${store.id}/turns/${id}`,
      start,
    );
    if (!answer.ok && answer.body.details?.reason === DRAINING) throw refusalOf(answer.body);
    if (!answer.ok) return answer;
    if (runnerLog.isLost(answer.body.boot)) {
      throw new EdgeError("container_unavailable", "The runner was given up on meanwhile.");
    }
    for (const row of answered) store.requests.setDelivered(row.id);
    ctx.waitUntil(complete.catch((thrown: unknown) => this.#turns.onFilesFailed(id, thrown)));
    return answer;
  }
}
