import { EdgeError } from "@claude-edge/protocol";
import { beforeEach, describe, expect, test } from "vitest";

import { openStorage } from "../../test/support/storage.js";
import type { Env } from "../env.js";
import { Places, type Place, type PlacedRunner } from "./places.js";

/** One of the two objects: what its container answers. */
class TestPlace implements Place {
  readonly name: string;
  asked = 0;
  failure: EdgeError | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** The session that has a turn there. */
  busy: string | undefined;

  ensureHere(_account?: string, _recheck?: boolean): Promise<PlacedRunner> {
    this.asked += 1;
    if (this.failure) return Promise.reject(this.failure);
    return Promise.resolve(this.#runner);
  }

  runnerOf(session: string): Promise<PlacedRunner | undefined> {
    return Promise.resolve(session === this.busy ? this.#runner : undefined);
  }

  get #runner(): PlacedRunner {
    return { boot: `boot of ${this.name}`, container: this.name };
  }
}

const unavailable = (reason: string) => new EdgeError("container_unavailable", "No.", { reason });

let home: TestPlace;
let standIn: TestPlace;
let storage: DurableObjectStorage;
const open = () => {
  const objects: Record<string, TestPlace> = { "ada/stand-in": standIn };
  const env = { CONTAINER: { getByName: (name: string) => objects[name] } } as unknown as Env;
  return new Places(storage, env, "ada", home);
};
const placed = async (places: ReturnType<typeof open>) =>
  (await places.ensure("ada", false)).container;

beforeEach(() => {
  [home, standIn] = [new TestPlace("ada"), new TestPlace("ada/stand-in")];
  storage = openStorage();
});

describe("new turns", () => {
  test("go to the container itself, and its stand-in is not asked", async () => {
    expect(await placed(open())).toBe("ada");
    expect(standIn.asked).toBe(0);
  });

  test("go to the stand-in once the container drains, and stay there when it has ended", async () => {
    const places = open();
    home.failure = unavailable("draining");
    expect(await placed(places)).toBe("ada/stand-in");
    home.failure = undefined;
    expect(await placed(places)).toBe("ada/stand-in");
    expect(home.asked).toBe(1);
    const current = await places.callCurrent((place) => place.ensureHere());
    expect(current.container).toBe("ada/stand-in");
    // As after a restart of the object.
    expect(await placed(open())).toBe("ada/stand-in");
  });

  test("go back when the stand-in drains", async () => {
    const places = open();
    home.failure = unavailable("draining");
    await placed(places);
    home.failure = undefined;
    standIn.failure = unavailable("draining");
    expect(await placed(places)).toBe("ada");
    standIn.failure = undefined;
    expect(await placed(places)).toBe("ada");
  });

  test("of a session that has one in the container that was left go there: that may be the same", async () => {
    const places = open();
    home.failure = unavailable("draining");
    await placed(places);
    home.busy = "s";
    const ensured = (session: string, container: string) =>
      places.ensure("ada", true, { session, container }).then((runner) => runner.container);
    expect(await ensured("s", "ada")).toBe("ada");
    expect(await ensured("other", "ada")).toBe("ada/stand-in");
    expect(await ensured("s", "ada/stand-in")).toBe("ada/stand-in");
  });

  test("have no place while both drain", async () => {
    home.failure = standIn.failure = unavailable("draining");
    await expect(placed(open())).rejects.toMatchObject({ details: { reason: "draining" } });
  });

  test("do not go to the stand-in for any other reason, and stay where they were when it cannot be started", async () => {
    const places = open();
    home.failure = unavailable("no_instance");
    await expect(placed(places)).rejects.toBe(home.failure);
    expect(standIn.asked).toBe(0);
    home.failure = unavailable("draining");
    standIn.failure = unavailable("no_instance");
    await expect(placed(places)).rejects.toBe(standIn.failure);
    home.failure = undefined;
    expect(await placed(places)).toBe("ada");
  });
});
