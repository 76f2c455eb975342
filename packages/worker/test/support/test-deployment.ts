import { vi } from "vitest";

import type { Env } from "../../src/env.js";
import { openStorage, rowsWritten } from "./storage.js";
import { TestContainer } from "./test-container.js";
import { likeWorkerd } from "./workerd.js";

likeWorkerd();

vi.mock("cloudflare:workers", () => import("./cloudflare-workers.js"));

const { AccountDO } = await import("../../src/account/account-do.js");
const { DeploymentDO } = await import("../../src/deployment/deployment-do.js");
const { SessionDO } = await import("../../src/session/session-do.js");

type Account = InstanceType<typeof AccountDO>;
type Session = InstanceType<typeof SessionDO>;
type ObjectClass = typeof AccountDO | typeof SessionDO | typeof DeploymentDO;

/** An account and its sessions, the real objects in this process, with a container that answers as a test has it. */
export class TestDeployment {
  readonly container: TestContainer = new TestContainer();
  readonly env: Env;
  readonly #storages = new Map<string, DurableObjectStorage>();
  readonly #objects = new Map<string, object>();
  /** Objects that cannot be reached, by their names. */
  readonly unreachable: Set<string> = new Set();
  /** Called when an object is asked by another, before it does anything. */
  beforeCall: (name: string, method: string) => void | Promise<void> = () => {};
  /** Called when an object has done what another asked, before that one knows. */
  beforeReply: (name: string, method: string) => void | Promise<void> = () => {};

  constructor(env: Partial<Env> = {}) {
    this.env = {
      ...env,
      ACCOUNT: namespace((name) => this.#stub(name, AccountDO)),
      SESSION: namespace((name) => this.#stub(name, SessionDO)),
      CONTAINER: namespace(() => this.container.stub),
      DEPLOYMENT: namespace((name) => this.#stub(`/${name}`, DeploymentDO)),
    } as unknown as Env;
  }

  get account(): Account {
    return this.#object("ada", AccountDO) as Account;
  }

  session(id: string): Session {
    return this.#object(`ada/${id}`, SessionDO) as Session;
  }

  /** Forgets what an object has only in memory. */
  restart(name: string): void {
    this.#objects.delete(name);
  }

  /** The rows that all objects have written: see {@link rowsWritten}. */
  get rowsWritten(): number {
    return [...this.#storages.values()].reduce((sum, storage) => sum + rowsWritten(storage), 0);
  }

  /** When an object's alarm is due. It never goes off by itself. */
  alarmOf(name: string): Promise<number | null> {
    return this.storageOf(name).getAlarm();
  }

  /** What an object's storage has. */
  rows(name: string, query: string): unknown[] {
    return this.storageOf(name).sql.exec(query).toArray();
  }

  /** Lets time pass for an object: its alarms ring when they are due. Fake `Date` before. */
  async passTime(name: string, ms: number): Promise<void> {
    const end = Date.now() + ms;
    const storage = this.storageOf(name);
    for (;;) {
      // What was begun may set an alarm yet.
      await new Promise(setImmediate);
      const at = await storage.getAlarm();
      if (at === null || at > end) break;
      vi.setSystemTime(Math.max(at, Date.now()));
      await storage.deleteAlarm();
      await (this.#object(name, SessionDO) as Session).alarm();
    }
    vi.setSystemTime(end);
  }

  /** An object as others call it: every method gives a promise. */
  #stub(name: string, Class: ObjectClass): object {
    const call = async (method: string, args: unknown[]) => {
      await this.beforeCall(name, method);
      const object = this.#object(name, Class) as Record<string, (...given: unknown[]) => unknown>;
      const result = await object[method]!(...args);
      await this.beforeReply(name, method);
      return result;
    };
    return new Proxy(
      {},
      {
        get: (_target, method) =>
          method === "id" ? name : (...args: unknown[]) => call(String(method), args),
      },
    );
  }

  /** An object's storage, of one that was never called too. */
  storageOf(name: string): DurableObjectStorage {
    const storage = this.#storages.get(name) ?? openStorage();
    this.#storages.set(name, storage);
    return storage;
  }

  #object(name: string, Class: ObjectClass): object {
    if (this.unreachable.has(name)) throw new Error(`${name} cannot be reached`);
    const known = this.#objects.get(name);
    if (known) return known;
    const ctx = {
      id: { name, toString: () => name },
      storage: this.storageOf(name),
      waitUntil: (work: Promise<unknown>) => void work,
      blockConcurrencyWhile: (work: () => Promise<unknown>) => work(),
      abort: () => {},
      getWebSockets: () => [],
    } as unknown as DurableObjectState;
    const object = new Class(ctx, this.env);
    this.#objects.set(name, object);
    return object;
  }
}

/** A namespace that has the same objects in each jurisdiction, as workerd's have. */
const namespace = (getByName: (name: string) => object) => ({
  getByName,
  jurisdiction: () => namespace(getByName),
});
