/** How much memory a process held at some time, milliseconds. */
export interface Sample {
  at: number;
  megabytes: number;
}

/** How memory went over some time. */
export interface Trend {
  firstHalf: number;
  secondHalf: number;
  /** Over the second half, MB an hour. */
  slope: number;
  /** What the slope makes of the second half, MB. */
  growth: number;
  isFlat: boolean;
}

const HOUR_MS = 3_600_000;

/**
 * Growth over the last half that is still flat: a tenth of what is held, and 8 MB. Less cannot be told from a V8 heap between
 * two collections. A leak of 20 kB a turn is above it after some 1 000 turns.
 */
const FLAT_SHARE = 0.1;
const FLAT_MB = 8;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? sorted[middle]!
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The median of the slopes between all pairs (Theil–Sen): one heap before its collection does not tilt it. MB an hour. */
export function slopeOf(samples: readonly Sample[]): number {
  const slopes: number[] = [];
  for (const [index, a] of samples.entries()) {
    for (const b of samples.slice(index + 1)) {
      if (b.at > a.at) slopes.push(((b.megabytes - a.megabytes) / (b.at - a.at)) * HOUR_MS);
    }
  }
  return slopes.length === 0 ? 0 : median(slopes);
}

/** How memory went from `from` to `to`; flat is judged over the second half of that. */
export function trendOf(samples: readonly Sample[], from: number, to: number): Trend {
  const half = (from + to) / 2;
  const first = samples.filter(({ at }) => at < half);
  const second = samples.filter(({ at }) => at >= half);
  const secondHalf = median(second.map(({ megabytes }) => megabytes));
  const slope = slopeOf(second);
  const growth = (slope * (to - half)) / HOUR_MS;
  return {
    firstHalf: median(first.map(({ megabytes }) => megabytes)),
    secondHalf,
    slope,
    growth,
    isFlat: growth <= secondHalf * FLAT_SHARE + FLAT_MB,
  };
}
