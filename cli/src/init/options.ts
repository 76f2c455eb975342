import { basename, resolve } from "node:path";

import { EdgeError } from "@claude-edge/protocol/errors";

import { parseDuration } from "../terminal/duration.js";
import { PACKAGE_MANAGERS, type PackageManagerName } from "./package-managers.js";

/** The flags of `claude-edge init`, as they are parsed. */
export interface InitFlags {
  name?: string;
  isolation?: string;
  instance: string;
  sleepAfter: string;
  maxInstances: number;
  region?: string[];
  jurisdiction?: string;
  with?: string[];
  scheduling: string;
  packageManager?: string;
  yes?: boolean;
  force?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** What a project is made with. */
export interface InitOptions {
  /** Absolute. */
  folder: string;
  /** Of the package and of the Worker. */
  name: string;
  isolation: "account" | "session";
  /** An instance type of Cloudflare's, like `standard-1`. */
  instance: string;
  /** Like `20m`. */
  sleepAfter: string;
  maxInstances: number;
  regions: string[];
  /** Where objects, containers and the bucket are; anywhere without it. */
  jurisdiction: "eu" | "fedramp" | undefined;
  r2: boolean;
  scheduling: "default" | "durable_object";
  packageManager: PackageManagerName;
}

const ISOLATIONS = ["account", "session"] as const;
const JURISDICTIONS = ["eu", "fedramp"] as const;
const SCHEDULINGS = ["default", "durable_object"] as const;
const INSTANCES = ["lite", "basic", "standard-1", "standard-2", "standard-3", "standard-4"];
const REGIONS = ["ENAM", "WNAM", "EEUR", "WEUR", "APAC", "SAM", "ME", "OC", "AFR"];

/** The longest the platform keeps a container without work, seconds. */
const MAX_SLEEP_AFTER_S = 6 * 3_600;

/** The `claude` binary alone needs more memory than these have. */
const TOO_SMALL = "lite";

const usage = (message: string) => new EdgeError("usage", message);

function oneOf<Value extends string>(flag: string, value: string, values: readonly Value[]): Value {
  if ((values as readonly string[]).includes(value)) return value as Value;
  throw usage(`${flag} must be one of ${values.join(", ")}.`);
}

/** A name that npm, a Worker and a container application all take; undefined when nothing of it is left. */
export function toName(text: string): string | undefined {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 54)
    .replace(/^-+|-+$/g, "");
  return /^[a-z]/.test(name) ? name : undefined;
}

/**
 * Checks the flags, and brings them into the form that a project is made with. What was asked for in a terminal is in
 * them already.
 * @throws EdgeError `usage`.
 */
export function initOptions(
  folder: string,
  flags: InitFlags,
  { cwd, detected }: { cwd: string; detected: PackageManagerName },
): InitOptions {
  const path = resolve(cwd, folder);
  const name = flags.name ?? toName(basename(path));
  if (name === undefined || toName(name) !== name) {
    const what =
      flags.name === undefined ? `The folder's name makes none` : `"${flags.name}" is none`;
    throw usage(
      `${what} for a Worker: give one with --name, of lower-case letters, digits and single dashes, a letter first.`,
    );
  }
  if ((parseDuration(flags.sleepAfter) ?? Infinity) > MAX_SLEEP_AFTER_S) {
    throw usage(`--sleep-after ${flags.sleepAfter}: it must be a time like 20m, up to 6h.`);
  }
  const instance = oneOf("--instance", flags.instance, INSTANCES);
  if (instance === TOO_SMALL) {
    throw usage(
      "--instance lite has 256 MiB of memory, and an agent needs 1 GiB: take basic or more.",
    );
  }
  const scheduling = oneOf("--scheduling", flags.scheduling, SCHEDULINGS);
  const regions = (flags.region ?? []).map((region) =>
    oneOf("--region", region.toUpperCase(), REGIONS),
  );
  if (scheduling === "durable_object" && regions.length > 0) {
    throw usage("--region goes with --scheduling default: the other policy takes no regions.");
  }
  const jurisdiction =
    flags.jurisdiction === undefined
      ? undefined
      : oneOf("--jurisdiction", flags.jurisdiction.toLowerCase(), JURISDICTIONS);
  if (scheduling === "durable_object" && jurisdiction !== undefined) {
    throw usage(
      "--jurisdiction goes with --scheduling default: under the other policy containers may run anywhere.",
    );
  }
  const packageManager = oneOf(
    "--package-manager",
    flags.packageManager ?? detected,
    Object.keys(PACKAGE_MANAGERS) as PackageManagerName[],
  );
  for (const extra of flags.with ?? []) oneOf("--with", extra, ["r2"]);
  return {
    folder: path,
    name,
    isolation: oneOf("--isolation", flags.isolation ?? "account", ISOLATIONS),
    instance,
    sleepAfter: flags.sleepAfter,
    maxInstances: flags.maxInstances,
    regions,
    jurisdiction,
    r2: flags.with?.includes("r2") ?? false,
    scheduling,
    packageManager,
  };
}
