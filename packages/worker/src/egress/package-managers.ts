/** The public registries that `allow_package_managers` allows: what the tools of each language ask by default. */
export const PACKAGE_MANAGER_HOSTS: readonly string[] = [
  // npm, yarn, pnpm, Bun; headers for native modules.
  "registry.npmjs.org",
  "registry.yarnpkg.com",
  "nodejs.org",
  // pip, uv, Poetry; conda.
  "pypi.org",
  "files.pythonhosted.org",
  "conda.anaconda.org",
  "repo.anaconda.com",
  // Cargo, rustup.
  "crates.io",
  "index.crates.io",
  "static.crates.io",
  "static.rust-lang.org",
  // Go.
  "proxy.golang.org",
  "sum.golang.org",
  // RubyGems.
  "rubygems.org",
  "index.rubygems.org",
  // Maven, Gradle.
  "repo.maven.apache.org",
  "repo1.maven.org",
  "plugins.gradle.org",
  "services.gradle.org",
  // NuGet, Composer, Hex, Deno.
  "api.nuget.org",
  "repo.packagist.org",
  "hex.pm",
  "repo.hex.pm",
  "jsr.io",
  "npm.jsr.io",
  "deno.land",
  // apt.
  "deb.debian.org",
  "security.debian.org",
  "archive.ubuntu.com",
  "security.ubuntu.com",
];
