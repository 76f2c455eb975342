import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startLocal, type LocalOptions } from "@claude-edge/local";

import { makeProject, NO_BUDGET, r2Project } from "../../support/project.ts";
import { RESETTABLE_WORKER } from "../../support/resets.ts";
import { attempt, type Point } from "./attempt.ts";
import { KILL_CONTAINER, OTHER_KINDS, type Kind } from "./kinds.ts";
import { TOOLS } from "./tools.ts";
import { expectedLooks, type Look } from "./trees.ts";

const FILES = { "src/worker.ts": RESETTABLE_WORKER };

interface Series {
  kind: Kind;
  when: string;
  points: Point[];
}

/** Behind every so many tools. */
const every = (step: number, after: (tool: number) => number): Point[] =>
  TOOLS.flatMap((_tool, index) => {
    const tool = index + 1;
    return tool % step === 0 ? [{ tool, after: after(tool) }] : [];
  });

const atOnce = () => 0;
/** 30 to 150 ms later: the next tool runs, or its files are on their way. */
const inTheNext = (tool: number) => 30 + ((tool * 37) % 121);

function seriesOf(step: number): Series[] {
  return [
    { kind: KILL_CONTAINER, when: "behind a tool", points: every(step, atOnce) },
    { kind: KILL_CONTAINER, when: "in the next", points: every(step, inTheNext) },
    ...OTHER_KINDS.map((kind) => ({
      kind,
      when: "in the next",
      points: every(2 * step, inTheNext),
    })),
  ];
}

/**
 * What breaks while a turn of twenty tools changes files: whatever it is, afterwards they are as they were at the last
 * tool that was told of, byte for byte, to callers and in the next container. In R2 and without it, side by side, at
 * every `step`-th tool.
 */
export async function filesFaults(
  step: number,
  containerEnv: Record<string, string>,
): Promise<{ tried: number; broken: number }> {
  const folder = mkdtempSync(join(tmpdir(), "faults-files-"));
  const inR2 = r2Project(FILES);
  const inSqlite = makeProject(FILES);
  try {
    const looks = expectedLooks(join(folder, "expected"));
    console.log(`\none turn of ${TOOLS.length} tools that change files\n`);
    console.log("kind                when           files in  tried  broken  how the turns ended");
    const totals = await Promise.all([
      inPlace("R2", { project: inR2.folder, containerEnv }, looks, seriesOf(step)),
      inPlace("SQLite", { project: inSqlite.folder, containerEnv }, looks, seriesOf(step)),
    ]);
    const sum = (of: "tried" | "broken") => totals.reduce((all, total) => all + total[of], 0);
    return { tried: sum("tried"), broken: sum("broken") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    inR2.remove();
    inSqlite.remove();
  }
}

async function inPlace(place: string, options: LocalOptions, looks: Look[], all: Series[]) {
  const stack = await startLocal({ model: "scripted", vars: NO_BUDGET, ...options });
  let tried = 0;
  let broken = 0;
  try {
    const plain = await attempt(stack, looks, undefined, undefined);
    if (plain.problems.length > 0) throw new Error(`undisturbed: ${plain.problems.join("; ")}`);
    for (const { kind, when, points } of all) {
      const ends = new Map<string, number>();
      const failures: string[] = [];
      for (const point of points) {
        const { status, problems } = await attempt(stack, looks, kind, point);
        ends.set(status, (ends.get(status) ?? 0) + 1);
        if (problems.length === 0) continue;
        failures.push(
          `  ${kind.name} ${point.after} ms behind tool ${point.tool}: ${problems.join("; ")}`,
        );
      }
      tried += points.length;
      broken += failures.length;
      const cells = [kind.name.padEnd(18), when.padEnd(13), place.padEnd(8)];
      cells.push(String(points.length).padStart(5), String(failures.length).padStart(6));
      cells.push([...ends].map(([status, count]) => `${count} ${status}`).join(", "));
      console.log([cells.join("  "), ...failures].join("\n"));
    }
    return { tried, broken };
  } finally {
    await stack.stop();
  }
}
