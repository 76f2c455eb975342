/** A package registry on loopback that has our packages as they would be published; for all others it names the real one. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

const FOLDERS = [
  "packages/client",
  "packages/local",
  "packages/protocol",
  "packages/runner",
  "packages/worker",
  "cli",
];

export interface Registry {
  url: string;
  close: () => Promise<void>;
}

interface Packed {
  name: string;
  version: string;
  filename: string;
}

/** Packs our packages into a folder and serves them from there. */
export async function startRegistry(root: string, folder: string): Promise<Registry> {
  const args = ["pack", ...FOLDERS.map((path) => join(root, path)), "--json", "--silent"];
  const packed = JSON.parse(
    execFileSync("npm", [...args, "--pack-destination", folder], { cwd: root, encoding: "utf8" }),
  ) as Packed[];
  const upstream = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).trim();
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://registry").pathname).slice(
      1,
    );
    const found = packed.find(({ name, filename }) => path === name || path === filename);
    if (!found) {
      response.writeHead(307, { location: new URL(request.url!.slice(1), upstream).href }).end();
    } else if (path === found.filename) {
      response.end(readFileSync(join(folder, found.filename)));
    } else {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(document(found, folder, urlOf())));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const urlOf = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url: urlOf(), close };
}

/** What a registry says of a package that has one version. */
function document({ name, version, filename }: Packed, folder: string, url: string): object {
  const tarball = join(folder, filename);
  const manifest = execFileSync("tar", ["-xzOf", tarball, "package/package.json"], {
    encoding: "utf8",
  });
  const hash = createHash("sha512").update(readFileSync(tarball)).digest("base64");
  const dist = { tarball: `${url}${filename}`, integrity: `sha512-${hash}` };
  return {
    name,
    "dist-tags": { latest: version },
    versions: { [version]: { ...(JSON.parse(manifest) as object), dist } },
  };
}
