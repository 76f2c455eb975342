import type { NetworkUse } from "@claude-edge/protocol";

import type { MisdirectedSecret } from "../egress/secret-source.js";
import type { HostTraffic } from "../egress/traffic.js";
import { all, one } from "../sql/rows.js";

/** Hosts that are counted by name, of a turn and of a session's newest turns together. */
const MAX_HOSTS_OF_TURN = 200;
const MAX_ROWS = 10_000;

/** Secrets and hosts that a turn is told of. */
const MAX_TOLD = 100;

/** What a session's container asked of hosts, by turn. */
export class TrafficTable {
  readonly #sql: SqlStorage;
  /** What the newest turn has been told of withheld secrets. In memory: told twice after a reset does no harm. */
  #told = { turn: "", keys: new Set<string>() };

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Adds traffic of a turn, empty for none. Returns what was denied of hosts that had none denied in it before. */
  add(turn: string, traffic: HostTraffic[]): HostTraffic[] {
    return traffic.filter((entry) => {
      const known = this.#denied(turn, entry.host);
      const host = known === undefined ? this.#nameOf(turn, entry.host) : entry.host;
      const before = known ?? (host === entry.host ? 0 : (this.#denied(turn, host) ?? 0));
      this.#sql.exec(
        `INSERT INTO traffic (turn_id, host, requests, denied, sent_bytes, received_bytes)
          VALUES (?, ?, ?, ?, ?, ?)
          ON CONFLICT (turn_id, host) DO UPDATE SET requests = requests + excluded.requests,
            denied = denied + excluded.denied, sent_bytes = sent_bytes + excluded.sent_bytes,
            received_bytes = received_bytes + excluded.received_bytes`,
        turn,
        host,
        entry.requests,
        entry.denied,
        entry.sentBytes,
        entry.receivedBytes,
      );
      return entry.denied > 0 && before === 0;
    });
  }

  /** Secrets that were withheld from hosts, but for those that were given here before. */
  takeWithheld(turn: string, traffic: HostTraffic[]): (MisdirectedSecret & { host: string })[] {
    if (turn !== this.#told.turn) this.#told = { turn, keys: new Set() };
    const { keys } = this.#told;
    const secrets = traffic.flatMap(({ host, withheld = [] }) =>
      withheld.map((secret) => ({ ...secret, host })),
    );
    return secrets.filter(({ name, scope, host }) => {
      const key = `${scope} ${name} ${host}`;
      const isNew = !keys.has(key) && keys.size < MAX_TOLD;
      if (isNew) keys.add(key);
      return isNew;
    });
  }

  /** Oldest turn first. */
  list(): NetworkUse[] {
    return all<NetworkUse>(
      this.#sql,
      `SELECT traffic.turn_id, host, requests, denied, sent_bytes, received_bytes FROM traffic
        LEFT JOIN turns ON turns.id = traffic.turn_id
        ORDER BY turns.position, host LIMIT ?`,
      MAX_ROWS,
    );
  }

  /** What was asked during a turn, by host. */
  ofTurn(turn: string): Omit<NetworkUse, "turn_id">[] {
    return all(
      this.#sql,
      `SELECT host, requests, denied, sent_bytes, received_bytes FROM traffic
        WHERE turn_id = ? ORDER BY host`,
      turn,
    );
  }

  /** Denied requests of a host; undefined when it has no row. */
  #denied(turn: string, host: string): number | undefined {
    const [row] = all<{ denied: number }>(
      this.#sql,
      "SELECT denied FROM traffic WHERE turn_id = ? AND host = ?",
      turn,
      host,
    );
    return row?.denied;
  }

  /** The name that a new host is counted under. Hosts of a program's choosing must not fill the storage. */
  #nameOf(turn: string, host: string): string {
    const { ofTurn, rows } = one<{ ofTurn: number; rows: number }>(
      this.#sql,
      `SELECT (SELECT count(*) FROM traffic WHERE turn_id = ?) AS ofTurn,
        (SELECT count(*) FROM traffic) AS rows`,
      turn,
    );
    return ofTurn < MAX_HOSTS_OF_TURN && rows < MAX_ROWS ? host : "*";
  }
}
