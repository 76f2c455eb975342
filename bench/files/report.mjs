/** Prints the figures of files, their bounds beside them. */

/** A fork and a rewind take so long at the most, milliseconds; the checkpoint of one file this part of a tar of all. */
const MOST_MS = 3_000;
const MOST_OF_TAR = 1 / 5;

export function reportFiles({ rounds, files, bytes, median_ms: of }) {
  const megabytes = Math.round(bytes / 1_000_000);
  const ofTar = (ms) => `${(ms / of.tar).toFixed(2)} × tar`;
  const rows = [
    ["tar of all, into a file", of.tar],
    ["git add -A, git commit: first", of.git_first],
    ["git add -A, git commit: one file changed", of.git_one],
    [
      "checkpoint of one file: until stored",
      of.checkpoint,
      ofTar(of.checkpoint),
      `≤ ${MOST_OF_TAR} × tar`,
    ],
    ["  of that the tool waits for", of.checkpoint_waited_for, ofTar(of.checkpoint_waited_for)],
    ["fork", of.fork, "", `≤ ${MOST_MS} ms`],
    ["rewind of 121 files", of.rewind, "", `≤ ${MOST_MS} ms`],
    ["  until the first tool has them, hot", of.rewound, "", `≤ ${MOST_MS} ms`],
    ["restore into a new container", of.restored, ofTar(of.restored)],
  ];
  console.log(`\n${files} files, ${megabytes} MB, medians of ${rounds} rounds, one run\n`);
  for (const [name, ms, figure = "", bound = ""] of rows) {
    const time = `${ms.toFixed(0)} ms`;
    console.log(`${name.padEnd(44)} ${time.padStart(10)}  ${figure.padEnd(16)} ${bound}`);
  }
}
