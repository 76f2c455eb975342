/** Prints the client's figures, its bounds beside them. */
const NAME_WIDTH = 44;

/** The most an event may cost, in hand-written parsers; and the most a bundle with `ClaudeEdge` may weigh. */
const MOST_TIMES_HAND = 1.6;
const MOST_BUNDLE_BYTES = 12_000;

export function reportClient({ decode, backpressure, weight }) {
  print(
    `${decode.deltas.toLocaleString("en")} text deltas in pieces of 64 KiB, medians of ${decode.rounds}`,
    Object.values(decode.rows),
    [
      ["CPU µs/event", fixed("cpu_us_per_event", 2)],
      ["× hand parser, same wire", fixed("times_hand_parser", 2)],
      ["k events/s", fixed("k_events_per_s", 0)],
    ],
  );
  reportBounds(decode.rows);
  print(
    `one event taken of ${backpressure.offered_mb} MB, then none for 3 s`,
    Object.values(backpressure.rows),
    [
      ["MB written", fixed("written_mb", 1)],
      ["RSS growth, MB", fixed("rss_growth_mb", 0)],
    ],
  );
  print(
    `importing (on top of an empty program, medians of ${weight.rounds}), installing, bundling`,
    Object.values(weight.rows),
    [
      ["import, CPU ms", fixed("import_cpu_ms", 0)],
      ["passed, ms", fixed("import_ms", 0)],
      ["packages", ({ packages, install_problem }) => packages ?? install_problem],
      ["installed, MB", fixed("megabytes", 1)],
      ["bundle at first, kB min+gzip", ({ bundle_bytes }) => kilobytes(bundle_bytes)],
    ],
  );
  const own = kilobytes(weight.rows.edge.bundle_bytes);
  const all = kilobytes(weight.all_exports_bundle_bytes);
  const most = kilobytes(MOST_BUNDLE_BYTES);
  const later = kilobytes(weight.rows.edge.bundle_later_bytes);
  console.log(
    `ours: ${own} kB with ClaudeEdge (≤ ${most} kB), ${all} kB with all that it exports; ${later} kB more where files and callbacks are used`,
  );
}

/** Against the parser on the same wire: our events are three times as long as the others'. */
function reportBounds({ edge, ...rows }) {
  const others = Object.values(rows).filter((row) => row.is_sdk && row.times_hand_parser);
  const lowest = others.toSorted((a, b) => a.times_hand_parser - b.times_hand_parser)[0];
  const below = lowest ? `, < ${lowest.times_hand_parser.toFixed(2)} × (${lowest.name})` : "";
  const own = edge.problem ?? `${edge.times_hand_parser.toFixed(2)} ×`;
  console.log(`ours: ${own} (≤ ${MOST_TIMES_HAND} × the hand-written parser${below})`);
}

/** `columns`: a heading, and what to print of a row. A row with a problem has only that. */
function print(title, rows, columns) {
  console.log(`\n${title}\n`);
  console.log(["".padEnd(NAME_WIDTH), ...columns.map(([head]) => head)].join("  "));
  for (const row of rows) {
    const cells = columns.map(([head, cell]) => String(cell(row) ?? "").padStart(head.length));
    console.log([row.name.padEnd(NAME_WIDTH), ...(row.problem ? [row.problem] : cells)].join("  "));
  }
}

const fixed = (field, digits) => (row) => row[field]?.toFixed(digits);

const kilobytes = (bytes) => (bytes / 1_000).toFixed(1);
