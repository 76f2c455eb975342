import type { NetworkQuestion, NetworkReply } from "../egress/question.js";
import type { AccountNetwork } from "../egress/rule-book.js";
import type { HostTraffic } from "../egress/traffic.js";
import { askSessions } from "./network-question.js";
import type { Network } from "./network.js";
import type { SessionPort } from "./ports.js";
import type { RequestIndex } from "./request-index.js";
import type { Slots } from "./slots.js";

/** The parts of an account that gateways of its containers need. */
interface Parts {
  network: Network;
  slots: Slots;
  requests: RequestIndex;
  session(id: string): SessionPort;
}

/** What the gateways of containers ask of the account. `session`: the one that the container belongs to alone. */
export class ContainerNetwork {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  rules(session: string | undefined): AccountNetwork {
    const { network, slots } = this.#parts;
    return network.rules(session, slots.open());
  }

  /** Has the sessions whose turns run in the container ask about a host. Safe to repeat. `known`: requests that are open. */
  ask(
    session: string | undefined,
    question: NetworkQuestion,
    known: string[],
  ): Promise<NetworkReply> {
    const { network, slots, requests } = this.#parts;
    return askSessions(known, {
      isGranted: () => network.isGranted(session, slots.open(), question),
      isPending: (id) => requests.isPending(id),
      sessions: () =>
        this.#sessionsIn(session).map(({ port, turn }) => port.askNetwork(turn, question)),
    });
  }

  /** Passes on what the container asked of hosts to the sessions whose turns run in it. */
  async addTraffic(session: string | undefined, traffic: HostTraffic[]): Promise<void> {
    await Promise.all(
      this.#sessionsIn(session).map(({ port, turn }) => port.addTraffic(turn, traffic)),
    );
  }

  #sessionsIn(session: string | undefined): { port: SessionPort; turn: string }[] {
    const { network, slots } = this.#parts;
    return network
      .sessionsIn(session, slots.open())
      .map(({ id, turn }) => ({ port: this.#parts.session(id), turn }));
  }
}
