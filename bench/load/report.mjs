export function reportLoad({ alone, together }) {
  console.log("\nsessions streaming 50 events a second each, through workerd\n");
  const rows = [
    ["sessions", ({ sessions }) => sessions],
    ["readers", ({ readers }) => readers],
    ["events read", ({ events, expected }) => `${events} of ${expected}`],
    ["readers cut off", ({ broken }) => broken, "0"],
    ["resets", ({ resets }) => resets, "0"],
    ["delay, runner to reader: median, ms", ({ p50 }) => p50.toFixed(1)],
    ["delay: 99th percentile, ms", ({ p99 }) => p99.toFixed(1), "≤ 250"],
    ["delay: longest, ms", ({ most }) => most.toFixed(1)],
    [
      "workerd: memory before and most, MB",
      ({ megabytes }) => `${megabytes.before}, ${megabytes.most}`,
    ],
    ["workerd: memory a session, MB", ({ megabytes_per_session: mb }) => mb.toFixed(2), "≤ 64"],
    ["workerd: processors used", ({ cpu_share: share }) => share.toFixed(2)],
  ];
  for (const [name, figure, bound = ""] of rows) {
    const cells = [figure(alone), figure(together)].map((cell) => String(cell).padStart(20));
    console.log(`${name.padEnd(38)}${cells.join("")}  ${bound}`);
  }
}

export function reportCheckpoint({ megabytes, checkpoint_seconds: seconds, alone, beside }) {
  console.log(
    `\na checkpoint of ${megabytes} MB (${seconds.toFixed(1)} s) while another session streams\n`,
  );
  for (const name of ["p50", "p99", "most"]) {
    const cells = [alone[name], beside[name]].map((ms) => `${ms.toFixed(1)} ms`.padStart(12));
    const ratio = `${(beside[name] / alone[name]).toFixed(2)} ×`.padStart(9);
    const bound = name === "p99" ? "  ≤ 2 ×" : "";
    console.log(`delay of its events, ${name}: alone, beside`.padEnd(44), ...cells, ratio, bound);
  }
}
