/** Cuts a statement to what tells it from others. */
const short = (what) => (what.length > 88 ? `${what.slice(0, 87)}…` : what);

export function reportRows({ turns, rows_per_event, rows_per_checkpoint, rows_per_turn }) {
  const line = (name, value, bound) =>
    console.log(`${name.padEnd(44)} ${value.toFixed(2).padStart(8)}  ≤ ${bound}`);
  console.log("\nrows written\n");
  line("a stored event", rows_per_event, 2);
  line("a checkpoint of five files", rows_per_checkpoint, 8);
  const { events, checkpoints, statements } = turns.checkpoints;
  line(`a turn of ${events} events, ${checkpoints} of them checkpoints`, rows_per_turn, 450);
  line("a turn of one message", turns.plain.rows, "");
  console.log("\nof the long turn, by statement\n\nobject      times   rows");
  for (const { object, what, times, rows } of statements) {
    const cells = [object.padEnd(9), String(times).padStart(6), String(rows).padStart(6)];
    console.log(`${cells.join(" ")}  ${short(what)}`);
  }
}
