export function reportNiceness({ rounds, loops, seconds, same, default: lower }) {
  console.log(
    `\na shell with ${loops} loops for ${seconds} s, ${rounds} rounds: at the runner's priority, at the default\n`,
  );
  console.log(
    `${"".padEnd(44)}${["undisturbed", "niceness 0", "default"].map((name) => name.padStart(13)).join("")}`,
  );
  const row = (name, figure, bound = "") => {
    const cells = [lower.quiet, same.beside, lower.beside].map((of) => figure(of).padStart(13));
    console.log(`${name.padEnd(44)}${cells.join("")}  ${bound}`);
  };
  const ms = (name) => (of) => `${of[name].toFixed(1)} ms`;
  row("the runner's health: median", ms("probe_p50_ms"));
  row("the runner's health: 99th percentile", ms("probe_p99_ms"), "≤ 1000 ms");
  row("the runner's health: longest", ms("probe_most_ms"));
  row(
    "probes that the Worker would have given up",
    (of) => `${of.probes_timed_out} of ${of.probes}`,
    "0",
  );
  row("another session's first token: median", ms("first_token_p50_ms"));
  row("another session's first token: longest", ms("first_token_most_ms"));
  row("turns of that session", (of) => String(of.turns));
}
