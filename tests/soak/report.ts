import { trendOf, type Sample } from "./flat.ts";
import type { MemoryWatch } from "./memory.ts";
import type { World } from "./world.ts";

const at = (values: number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0;

const inSeconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

const line = (name: string, figure: string | number) => console.log(`${name.padEnd(22)}${figure}`);

const counted = (names: string[]) => {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, times]) => `${times} ${name}`).join(", ");
};

interface Time {
  from: number;
  to: number;
  clock: (at?: number) => string;
  /** Long enough for growth to be told from a process that is getting warm. */
  isLong: boolean;
  problem: (what: string) => void;
}

/** Prints how memory went, and notes what was not flat. */
export function reportMemory(
  memory: MemoryWatch,
  { from, to, clock, isLong, problem }: Time,
): void {
  console.log("\nmemory of its own, MB   first half  second half  slope an hour  grew");
  const row = (name: string, samples: Sample[], isJudged: boolean) => {
    const { firstHalf, secondHalf, slope, growth, isFlat } = trendOf(samples, from, to);
    const cells = [firstHalf.toFixed(1).padStart(10), secondHalf.toFixed(1).padStart(11)];
    cells.push(slope.toFixed(1).padStart(13), growth.toFixed(1).padStart(4));
    console.log(`${name.padEnd(22)}  ${cells.join("  ")}${isFlat ? "" : "  not flat"}`);
    if (isJudged && !isFlat) problem(`memory of ${name} is not flat`);
  };
  row("workerd", memory.workerd, isLong);
  const half = (from + to) / 2;
  // One that lived through the last half and was warm before it.
  const lasting = [...memory.runners].filter(
    ([, samples]) => samples[0]!.at < half && samples.at(-1)!.at > to - 45_000,
  );
  if (isLong && lasting.length === 0) problem("no runner lived through the last half");
  for (const [pid, samples] of lasting) {
    row(`runner ${pid} since ${clock(samples[0]!.at)}`, samples, isLong);
  }
  row("all processes", memory.all, false);
}

/** Prints what happened, and what did not hold. */
export function report(
  { counts, faults }: World,
  { seconds, problems }: { seconds: number; problems: string[] },
): void {
  const turns = Object.values(counts.turns).reduce((sum, count) => sum + count, 0);
  const ends = Object.entries(counts.turns).map(([name, count]) => `${count} ${name}`);
  console.log("");
  line("time", `${(seconds / 60).toFixed(1)} min`);
  line(
    "sessions",
    `${counts.sessions}, of them forks ${counts.forks}, deleted ${counts.deletions}`,
  );
  line("turns", `${turns}: ${ends.join(", ")}`);
  line("begun again", `${counts.resumed}; waited for a container: ${counts.waited}`);
  const [median, late, longest] = [0.5, 0.99, 1].map((share) =>
    inSeconds(at(counts.turnMs, share)),
  );
  line("a turn", `${median} median, ${late} p99, ${longest} the longest`);
  line("events read", counts.events);
  line("faults", `${faults.all.length}: ${counted(faults.all.map(({ name }) => name))}`);
  line("broken", problems.length);
  for (const problem of problems) console.log(`  ${problem}`);
}
