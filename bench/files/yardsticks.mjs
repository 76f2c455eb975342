/** tar and git, as people use them to keep a folder's state. */
import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A copy of a folder, to be changed at will. */
export function takeCopy(folder) {
  const place = mkdtempSync(join(tmpdir(), "bench-files-"));
  const files = join(place, "files");
  cpSync(folder, files, { recursive: true });
  return { place, files, remove: () => rmSync(place, { recursive: true, force: true }) };
}

const shell = (command, cwd) => execFileSync("sh", ["-c", command], { cwd, stdio: "ignore" });

/** Without what git does behind one's back once there are many objects: it would run into what comes next. */
const GIT =
  "git -c gc.auto=0 -c maintenance.auto=false -c user.name=bench -c user.email=bench@localhost";
const COMMIT = `${GIT} add -A && ${GIT} commit -qm bench`;

export const packAll = ({ place, files }) => shell(`tar -c . | cat > ${place}/files.tar`, files);

export function commitAll({ files }) {
  rmSync(join(files, ".git"), { recursive: true, force: true });
  shell(`git init -q . && ${COMMIT}`, files);
}

export function commitOne({ files }, round) {
  appendFileSync(join(files, "d7", "one.txt"), `${round}\n`);
  shell(COMMIT, files);
}
