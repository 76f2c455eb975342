import { RUNNER_PROTOCOL, type RunnerHealth } from "@claude-edge/protocol/runner";

import { VERSION } from "../version.js";

/** What a container was started by and from. */
interface Start {
  /** The version of the Worker. */
  worker: string;
  /** Not known under every scheduling policy. */
  image?: string;
}

const KEY = "start";

/** Where a container comes from, so that one that a deployment has left behind is replaced. */
export class Origin {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Remembers a start. Call it before: a start that is not known of would be replaced by another. */
  async note(image: string | undefined): Promise<void> {
    const start: Start = { worker: VERSION, ...(image === undefined ? {} : { image }) };
    await this.#storage.put(KEY, start);
  }

  /** The image that the container was started from, if that is known. */
  async image(): Promise<string | undefined> {
    return (await this.#get())?.image;
  }

  /**
   * Whether the runner is not this Worker's, and a new start may bring another. What this version of the Worker has started
   * from this image is the newest that there is: an image that was not deployed is not started again and again.
   */
  async isOutdated(
    { version, protocol }: Pick<RunnerHealth, "version" | "protocol">,
    image: string | undefined,
  ): Promise<boolean> {
    const start = await this.#get();
    const isSameImage = start === undefined || start.image === image;
    if (start?.worker === VERSION && isSameImage) return false;
    return version !== VERSION || protocol !== RUNNER_PROTOCOL || !isSameImage;
  }

  #get(): Promise<Start | undefined> {
    return this.#storage.get<Start>(KEY);
  }
}
