/**
 * The attack suite: a real local stack with two tenants, and every way into what is somebody else's that we know of.
 * Prints what was tried and what passed through, family by family; ends with 1 when anything did, or when what is
 * allowed does not work.
 *
 *   npm run test:attacks              all of it, one to three minutes
 *   npm run test:attacks -- tokens    the families whose name holds the word
 */
import type { Attack, Family, Outcome } from "./attack.ts";
import { audit } from "./families/audit.ts";
import { archives } from "./families/archives.ts";
import { bodies } from "./families/bodies.ts";
import { connections } from "./families/connections.ts";
import { feed } from "./families/feed.ts";
import { files } from "./families/files.ts";
import { flood } from "./families/flood.ts";
import { gateway } from "./families/gateway.ts";
import { headers } from "./families/headers.ts";
import { links } from "./families/links.ts";
import { leaks } from "./families/leaks.ts";
import { names } from "./families/names.ts";
import { network } from "./families/network.ts";
import { paths } from "./families/paths.ts";
import { prompts } from "./families/prompts.ts";
import { requests } from "./families/requests.ts";
import { scopes } from "./families/scopes.ts";
import { secrets } from "./families/secrets.ts";
import { shown } from "./families/shown.ts";
import { slow } from "./families/slow.ts";
import { tenants } from "./families/tenants.ts";
import { tokens } from "./families/tokens.ts";
import { webhooks } from "./families/webhooks.ts";
import { openWorld, type World } from "./world.ts";

/** In order: the last ones leave much behind. */
const FAMILIES: Record<string, (world: World) => Family | Promise<Family>> = {
  "tokens: forged, expired, revoked": tokens,
  "tokens: routes beyond scope and session": scopes,
  // Before the next one, in which a session of Mallory's gets the id of Alice's: it tells whose an entry is by that.
  "feed: other accounts and sessions": feed,
  "audit: other accounts, scopes": audit,
  "another tenant's ids and cursors": tenants,
  "account names": names,
  "header smuggling": headers,
  "paths through to the runner": paths,
  "requests answered by the wrong one": requests,
  "prompts that look like commands": prompts,
  "a container at its gateway": gateway,
  "network: hosts that are not allowed": network,
  "network: 10 000 connections": connections,
  "bodies: large, deep, broken": bodies,
  "files: paths, tenants, parts": files,
  "files: tars and forms": archives,
  "files: links that agents leave": links,
  "credentials in options, shown again": shown,
  "secrets: accounts, bad input, seen again": secrets,
  "webhooks: addresses, tenants, signatures": webhooks,
  "headers that reach runner or model": leaks,
  "10 000 bad requests": flood,
};

/** It waits for half a minute, beside all the others. */
const SLOW = "bodies and headers: slow";

/** An attack that is not over by then hangs, milliseconds. */
const PATIENCE_MS = 60_000;

const only = process.argv[2] ?? "";

async function attempt({ attempt: attack }: Attack): Promise<Outcome> {
  const { promise: late, resolve } = Promise.withResolvers<Outcome>();
  const timer = setTimeout(
    () => resolve({ repelled: false, saw: "nothing: it hangs" }),
    PATIENCE_MS,
  );
  const thrown = (error: unknown) => ({ repelled: false, saw: `no answer: ${String(error)}` });
  const outcome = await Promise.race([attack().catch(thrown), late]);
  clearTimeout(timer);
  return outcome;
}

interface Tally {
  name: string;
  tried: number;
  through: number;
  /** What passed through, and what must work and does not. */
  holes: string[];
  broken: string[];
}

async function run(name: string, { attacks, controls }: Family): Promise<Tally> {
  const tally: Tally = { name, tried: 0, through: 0, holes: [], broken: [] };
  for (const control of controls) {
    const { repelled: works, saw } = await attempt(control);
    if (!works) tally.broken.push(`${control.name}: ${saw}`);
  }
  for (const attack of attacks) {
    const { repelled, saw, through = 1 } = await attempt(attack);
    tally.tried += attack.times ?? 1;
    if (repelled) continue;
    tally.through += through;
    tally.holes.push(`${attack.name}: ${saw}`);
  }
  return tally;
}

function print({ name, tried, through, holes, broken }: Tally): void {
  console.log(`${name.padEnd(36)}${String(tried).padStart(7)}${String(through).padStart(16)}`);
  for (const line of holes) console.log(`  passed through: ${line}`);
  for (const line of broken) console.log(`  does not work: ${line}`);
}

const world = await openWorld();
const tallies: Tally[] = [];
try {
  console.log(`${"family".padEnd(36)}  tried  passed through`);
  const isWanted = (name: string) => name.includes(only);
  const beside = isWanted(SLOW) ? run(SLOW, slow(world)) : undefined;
  for (const [name, open] of Object.entries(FAMILIES)) {
    if (!isWanted(name)) continue;
    const tally = await run(name, await open(world));
    tallies.push(tally);
    print(tally);
  }
  if (beside) {
    tallies.push(await beside);
    print(await beside);
  }
} finally {
  await world.stack.stop();
  world.hosts.close();
}

const sum = (of: (tally: Tally) => number) =>
  tallies.reduce((total, tally) => total + of(tally), 0);
const [tried, through] = [sum((tally) => tally.tried), sum((tally) => tally.through)];
const broken = sum((tally) => tally.broken.length);
console.log(`\n${tried} tried, ${through} passed through`);
if (broken > 0) console.log(`${broken} that must work do not: the figures above mean nothing`);
console.log(
  "Not tried: what only a real container prevents. Containers are local processes here, which can reach this machine's own ports, files and processes.",
);
process.exit(tried > 0 && through + broken === 0 ? 0 : 1);
