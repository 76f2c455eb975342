import { AbortError, TurnError, type Priority, type Session, type Turn } from "@claude-edge/client";
import { EdgeError, EXIT } from "@claude-edge/protocol/errors";

import type { Context } from "../context.js";
import { reportError } from "../report.js";
import { Approvals } from "../requests/approvals.js";
import { ask } from "../requests/ask.js";
import type { SessionFlags } from "../sessions/flags.js";
import { connect, findTarget } from "../target/target.js";
import { oneLine } from "../terminal/printable.js";
import { Conversation } from "./conversation.js";
import { Messages, type Message } from "./messages.js";
import { Screen } from "./screen.js";
import {
  commandOf,
  nearCommand,
  parseCommand,
  sayStatus,
  unknownCommand,
  type Chat,
} from "./slash-commands.js";
import { turnEvents } from "./turn-events.js";
import { TurnView } from "./turn-view.js";

/** Of a message that is shown again, characters. */
const MAX_ECHO = 200;

/** A message that is being answered, or a command that is run. */
interface Work {
  interrupt: () => void | Promise<void>;
  isInterrupted: boolean;
  /** The session of the turn that runs. */
  session?: Session;
}

/** The chat: takes one message after the other, until it is left. */
export class ChatLoop {
  /** The terminal as it is, for questions. */
  readonly #terminal: Context;
  /** For everything else: what is written to it comes above the line that is typed into. */
  readonly #context: Context;
  readonly #flags: SessionFlags;
  readonly #screen: Screen;
  readonly #conversation: Conversation;
  readonly #messages = new Messages();
  readonly #left = new AbortController();
  #work: Work | undefined;
  #exitCode: number = EXIT.ok;
  /** A turn was left that was not to be stopped. */
  #goesOn = false;
  /** Ctrl-C was pressed with nothing to stop: the next one quits. */
  #isWarned = false;

  constructor(flags: SessionFlags, context: Context) {
    this.#flags = flags;
    const interrupt = () => this.#onInterrupt();
    this.#screen = new Screen(context, {
      onMessage: (text) => this.#onMessage(text),
      onInterrupt: interrupt,
      onEnd: () => this.#leave(EXIT.ok),
    });
    const { signal } = this.#left;
    this.#terminal = { ...context, signal, interrupt };
    this.#context = { ...this.#terminal, stderr: this.#screen.stderr };
    this.#conversation = new Conversation(connect(flags, this.#context), flags, context.signal);
  }

  /** Gives the exit code. @throws ClaudeEdgeError when it cannot begin. */
  async run(
    prompt: string | undefined,
    flags: SessionFlags & { forkSession?: boolean },
    { signal }: Context,
  ): Promise<number> {
    await this.#begin(flags);
    const onAbort = () => this.#leave(EXIT.interrupted);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#screen.open();
    if (prompt?.trim()) {
      this.#echo(prompt);
      this.#messages.add(prompt);
    }
    try {
      for await (const message of this.#messages) {
        await this.#take(message);
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#screen.close();
      this.#farewell();
    }
    return this.#exitCode;
  }

  /** Finds the session to go on in; else only whether the deployment is there for us. */
  async #begin(flags: SessionFlags & { forkSession?: boolean }): Promise<void> {
    const conversation = this.#conversation;
    const [newest] = flags.resume === undefined ? await conversation.newest(1) : [];
    if (flags.continue && !newest) {
      throw new EdgeError("session_not_found", "There is no session to continue.");
    }
    const id = flags.continue ? newest!.id : flags.resume;
    const found = id === undefined ? undefined : await conversation.open(id);
    if (flags.forkSession) await conversation.fork();
    const parts = [
      findTarget(flags, this.#terminal).url!.value,
      ...(conversation.model === undefined ? [] : [conversation.model]),
      conversation.id === undefined ? "new session" : `session ${conversation.id.slice(0, 8)}`,
      ...(found?.title ? [found.title] : []),
      "/help",
    ];
    this.#screen.say(parts.map((part) => oneLine(part, MAX_ECHO)).join(" · "));
    if (found && !flags.forkSession) sayStatus(found.status, this.#screen);
  }

  #onMessage(text: string): void {
    this.#isWarned = false;
    if (text.trim() === "") return;
    if (!this.#work && this.#messages.isEmpty) return this.#messages.add(text);
    const command = text.startsWith("//") ? undefined : parseCommand(text);
    const known = command && commandOf(command.name);
    if (known?.isInstant)
      return this.#runInstant(() => known.run(this.#chat(this.#left.signal), command!.argument));
    const session = this.#work?.session;
    // A command is the agent's alone in a turn of its own, and files go only with one.
    if (command || !session || this.#conversation.hasAttachments) return this.#queue(text);
    this.#steer(session, text, "next");
    this.#screen.note(
      "given to the turn: it sees it after its next tools (/queue: after the turn)",
    );
  }

  #runInstant(run: () => unknown): void {
    try {
      run();
    } catch (error) {
      reportError(error, this.#context);
    }
  }

  #queue(text: string): void {
    this.#messages.add(text, { isQueued: this.#work !== undefined });
    if (this.#work) this.#screen.note("queued: it is sent when the turn has ended");
  }

  #sendNow(text: string): void {
    const session = this.#work?.session;
    if (session) this.#steer(session, text, "now");
    else this.#queue(text);
  }

  #steer(session: Session, text: string, priority: Priority): void {
    const { signal } = this.#left;
    const message = textOf(text);
    const given = session
      .steer(message, { priority, signal })
      .then(({ id }) => ({ turn: session.resume({ turnId: id }, { signal }) }));
    given.catch(() => {});
    this.#messages.add(message, { isQueued: true, given });
  }

  #onInterrupt(): void {
    const work = this.#work;
    if (work?.isInterrupted || (!work && this.#isWarned)) return this.#leave(EXIT.interrupted);
    if (!work) {
      this.#isWarned = true;
      return this.#screen.note("press Ctrl-C again to quit");
    }
    work.isInterrupted = true;
    const dropped = this.#messages.clear();
    const more = dropped.length === 0 ? "" : `; what was queued is dropped (${dropped.length})`;
    this.#screen.note(`interrupting${more}; press Ctrl-C again to quit`);
    const interrupted = withdraw(dropped).then(() => work.interrupt());
    void interrupted.catch((error: unknown) => {
      work.isInterrupted = false;
      reportError(error, this.#context);
    });
  }

  #leave(exitCode: number): void {
    if (this.#left.signal.aborted) return;
    this.#exitCode = exitCode;
    this.#goesOn = this.#work?.session !== undefined && !this.#work.isInterrupted;
    this.#left.abort();
    this.#messages.end();
  }

  #chat(signal: AbortSignal): Chat {
    const leave = () => this.#leave(EXIT.ok);
    const { signal: _, ...terminal } = this.#terminal;
    return {
      conversation: this.#conversation,
      screen: this.#screen,
      context: { ...terminal, signal },
      leave,
      queue: (text) => this.#queue(text),
      sendNow: (text) => this.#sendNow(text),
      signal,
    };
  }

  /** Does what a message says. What goes wrong is said, and the chat goes on. */
  async #take({ text, isQueued, given }: Message): Promise<void> {
    if (isQueued && !given) this.#echo(text);
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#left.signal]);
    const work: Work = { interrupt: () => stop.abort(), isInterrupted: false };
    this.#work = work;
    this.#conversation.signal = signal;
    this.#screen.busy();
    try {
      const command = text.startsWith("//") ? undefined : parseCommand(text);
      if (given) await this.#given(text, (await given).turn, work);
      else if (command) await this.#command(text, command, work, signal);
      else await this.#turn(textOf(text), work);
    } catch (error) {
      this.#report(error);
    } finally {
      this.#work = undefined;
      this.#screen.idle();
    }
  }

  async #command(
    message: string,
    { name, argument }: { name: string; argument: string },
    work: Work,
    signal: AbortSignal,
  ): Promise<void> {
    const known = commandOf(name);
    if (known) {
      await known.run(this.#chat(signal), argument);
      return;
    }
    // A slip of the finger must not make a session.
    const isSlip = this.#conversation.id === undefined && nearCommand(name) !== undefined;
    const others = isSlip ? [] : await this.#conversation.commands(message);
    if (!others.includes(name)) throw unknownCommand(name, others);
    await this.#turn(message, work);
  }

  async #turn(prompt: string, work: Work): Promise<void> {
    const session = await this.#conversation.session(prompt);
    const attachments = this.#conversation.takeAttachments();
    const turn = session.send(prompt, { signal: this.#left.signal, attachments });
    await this.#read(session, turn, work);
  }

  /** A message that was given to the turn before: what that has taken in was answered there. */
  async #given(text: string, turn: Turn, work: Work): Promise<void> {
    const session = await this.#conversation.session(text);
    await this.#read(session, turn, work, () => this.#echo(text));
  }

  async #read(session: Session, begun: Turn, work: Work, onBegin = () => {}): Promise<void> {
    const approvals = new Approvals(this.#context, {
      asks: true,
      how: (asked, _context, signal) => this.#screen.hold(() => ask(asked, this.#terminal, signal)),
    });
    session.onPermission(approvals.callbacks.onPermission!);
    session.onNetwork(approvals.callbacks.onNetwork!);
    const view = new TurnView(this.#screen, this.#context, this.#flags);
    const events = turnEvents(session, begun, {
      signal: this.#left.signal,
      onTurn: (turn) => {
        work.interrupt = () => turn.interrupt();
        work.session = session;
      },
      onLost: () => this.#screen.note("the connection was lost; reading on"),
    });
    try {
      for await (const event of events) {
        if (event.kind === "turn") {
          if (event.steered_turn_id !== undefined) return;
          if (event.status === "running") onBegin();
        }
        this.#conversation.onEvent(event);
        approvals.onEvent(event);
        await view.onEvent(event);
      }
    } finally {
      approvals.close();
      await view.end();
    }
  }

  #report(error: unknown): void {
    if (this.#left.signal.aborted) return;
    const isStopped = error instanceof AbortError;
    const isInterrupted = error instanceof TurnError && error.turnStatus === "interrupted";
    if (isStopped || isInterrupted) this.#screen.note("interrupted");
    else reportError(error, this.#context);
  }

  #echo(text: string): void {
    this.#screen.say(`${this.#screen.style("bold", "›")} ${oneLine(text, MAX_ECHO)}`);
  }

  #farewell(): void {
    const { id } = this.#conversation;
    if (id === undefined) return;
    if (this.#goesOn) this.#screen.note("the turn goes on without you");
    this.#screen.note(`to come back: claude-edge chat -r ${id}`);
  }
}

/** What a message says: with // at its beginning it is no command. */
const textOf = (message: string): string => (message.startsWith("//") ? message.slice(1) : message);

/** Takes back messages that were given to a turn, the last one first. One that was taken in is not stopped by it. */
async function withdraw(messages: Message[]): Promise<void> {
  for (const { given } of messages.toReversed()) {
    const sent = await given?.catch(() => undefined);
    await sent?.turn.interrupt();
  }
}
