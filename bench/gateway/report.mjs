export function reportGateway({ rounds, megabytes, requests, down, small }) {
  console.log(
    `\na container's requests, medians of ${rounds} rounds: direct, through the gateway\n`,
  );
  const ratio = ({ direct, gateway }) => `${(gateway.ms / direct.ms).toFixed(2)} ×`;
  const cpu = ({ gateway }, count) =>
    [gateway.workerd_cpu_seconds, gateway.proxy_cpu_seconds].map(
      (seconds) => (seconds * 1_000) / count,
    );
  const row = (name, cells, figure = "") =>
    console.log(`${name.padEnd(44)}${cells.map((cell) => cell.padStart(14)).join("")}  ${figure}`);
  const ways = ["direct", "gateway"];
  row(
    `${megabytes} MB down`,
    ways.map((way) => `${((megabytes * 1_000) / down[way].ms).toFixed(0)} MB/s`),
    ratio(down),
  );
  row(
    `${requests} small requests, eight at a time`,
    ways.map((way) => `${((requests * 1_000) / small[way].ms).toFixed(0)} /s`),
    ratio(small),
  );
  const [byWorkerd, byProxy] = cpu(small, requests);
  row(
    "CPU a small request: workerd, the local proxy",
    [byWorkerd, byProxy].map((ms) => `${ms.toFixed(2)} ms`),
  );
  const [downWorkerd, downProxy] = cpu(down, megabytes);
  row(
    "CPU a megabyte: workerd, the local proxy",
    [downWorkerd, downProxy].map((ms) => `${ms.toFixed(2)} ms`),
  );
}
