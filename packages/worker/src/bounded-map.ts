/** A map of the newest entries: where there is no more room, the one that was set first goes. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #limit: number;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  override set(key: Key, value: Value): this {
    this.delete(key);
    const [oldest] = this.keys();
    if (this.size >= this.#limit && oldest !== undefined) this.delete(oldest);
    return super.set(key, value);
  }
}
