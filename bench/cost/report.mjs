import { LINGER_SECONDS, TURNS_PER_WAKE } from "./figures.mjs";
import { costOfTurn } from "./formula.mjs";

const TURNS = [100, 10_000, 1_000_000];

const CASES = [
  ["standard-1, 5m, each turn alone", "standard-1", LINGER_SECONDS.template, TURNS_PER_WAKE.alone],
  [
    "standard-1, 5m, ten turns a wake",
    "standard-1",
    LINGER_SECONDS.template,
    TURNS_PER_WAKE.together,
  ],
  ["standard-1, 20m, each turn alone", "standard-1", LINGER_SECONDS.worker, TURNS_PER_WAKE.alone],
  ["basic, 5m, each turn alone", "basic", LINGER_SECONDS.template, TURNS_PER_WAKE.alone],
];

const dollars = (value) =>
  `$${value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;

/** The table of docs/production.md, its cells in rows. */
export function costTable() {
  const head = ["deployment", "a turn", ...TURNS.map((count) => count.toLocaleString("en-US"))];
  const rows = CASES.map(([name, instance, lingerSeconds, turnsPerWake]) => {
    const { total } = costOfTurn({ instance, lingerSeconds, turnsPerWake });
    return [name, `$${total.toFixed(4)}`, ...TURNS.map((count) => dollars(total * count))];
  });
  return [head, ...rows];
}

export function reportCost() {
  const table = costTable();
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  console.log("\ncost in dollars: of a turn, and of so many turns a month\n");
  for (const row of table) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]),
    );
    console.log(cells.join("  "));
  }
}
