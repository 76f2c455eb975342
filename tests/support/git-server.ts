import { execFileSync, spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";

/** A bare repository `name` in a folder, with one commit in it: `README.md` with this text. */
export function makeRepository(folder: string, name: string, readme: string): void {
  const at = join(folder, name);
  const git = (args: string[], input?: string) =>
    execFileSync("git", args, {
      cwd: folder,
      encoding: "utf8",
      ...(input ? { input } : {}),
    }).trim();
  git(["init", "--quiet", "--bare", "--initial-branch=main", at]);
  git(["-C", at, "config", "http.receivepack", "true"]);
  const blob = git(["-C", at, "hash-object", "-w", "--stdin"], readme);
  const tree = git(["-C", at, "mktree"], `100644 blob ${blob}\tREADME.md\n`);
  const author = ["-c", "user.name=Ada", "-c", "user.email=ada@test"];
  const commit = git(["-C", at, ...author, "commit-tree", tree, "-m", "First"]);
  git(["-C", at, "update-ref", "refs/heads/main", commit]);
}

/** Answers what git asks over HTTP of the repositories in a folder: git's own server, as a CGI program. */
export function answerGit(
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { pathname, search } = new URL(request.url!, "http://git");
  const { headers, method = "GET" } = request;
  const cgi = spawn("git", ["http-backend"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      REQUEST_METHOD: method,
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(headers["git-protocol"] ?? ""),
    },
  });
  cgi.stdin.on("error", () => {});
  request.pipe(cgi.stdin);
  let head = Buffer.alloc(0);
  cgi.stdout.on("data", function read(chunk: Buffer) {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    cgi.stdout.off("data", read).pause();
    let status = 200;
    for (const line of head.toString("latin1", 0, end).split("\r\n")) {
      const [name = "", value = ""] = line.split(": ");
      if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.writeHead(status).write(head.subarray(end + 4));
    cgi.stdout.pipe(response);
  });
  response.on("close", () => cgi.kill());
}
