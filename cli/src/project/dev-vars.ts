import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

import { EdgeError } from "@claude-edge/protocol/errors";

import { writePrivateFile } from "../secrets/private-file.js";
import type { Project } from "./project.js";

const devVarsPath = ({ folder }: Project) => join(folder, ".dev.vars");

/** The variables of a project's `.dev.vars`. */
export function readDevVars(project: Project): Record<string, string> {
  const path = devVarsPath(project);
  return existsSync(path) ? (parseEnv(readFileSync(path, "utf8")) as Record<string, string>) : {};
}

/** Sets a variable in `.dev.vars`, or takes it away; the other lines stay as they are. @throws EdgeError `usage`. */
export function writeDevVar(project: Project, name: string, value: string | undefined): void {
  // Others would need quotes, which each reader of the file takes in its own way.
  if (value !== undefined && !/^[\w.+/=:@~-]+$/.test(value)) {
    const message = "In .dev.vars a secret is letters, digits and . + / = : @ ~ _ - only.";
    throw new EdgeError("usage", message);
  }
  const path = devVarsPath(project);
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  const lines = before.split(/(?<=\n)/);
  const isIts = (line: string) => new RegExp(`^\\s*(export\\s+)?${name}\\s*=`).test(line);
  const place = lines.findIndex(isIts);
  const kept = lines.filter((line) => !isIts(line));
  if (value !== undefined) {
    const last = kept.at(-1);
    if (last && !last.endsWith("\n")) kept[kept.length - 1] = `${last}\n`;
    kept.splice(place === -1 ? kept.length : place, 0, `${name}=${value}\n`);
  }
  writePrivateFile(path, kept.join(""));
}
