import { EXIT, policy, type ErrorPolicy } from "./error-policy.js";

/** The errors of the CLI and the local stack. No deployment answers with one. */
export const CLI_ERRORS = {
  usage: policy(0, false, EXIT.usage),
  node_too_old: policy(0, false, EXIT.usage, "Install Node.js 22.19 or newer."),
  project_not_found: policy(
    0,
    false,
    EXIT.usage,
    "Run it in the folder that holds wrangler.jsonc, or name that folder.",
  ),
  config_unusable: policy(
    0,
    false,
    EXIT.failed,
    "Mend the file or remove it (`claude-edge login` writes it anew), or set XDG_CONFIG_HOME.",
  ),
  profile_not_found: policy(
    0,
    false,
    EXIT.notFound,
    "`claude-edge login <url> --profile <name>` saves one.",
  ),
  cloudflare_login: policy(
    0,
    false,
    EXIT.auth,
    "Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.",
  ),
  worker_not_found: policy(
    0,
    false,
    EXIT.notFound,
    "Deploy it first: `claude-edge deploy` asks for what it needs.",
  ),
  wrangler_failed: policy(0, false, EXIT.failed, "Mend what wrangler says, and run it again."),
  version_mismatch: policy(
    0,
    false,
    EXIT.failed,
    "Set claude-edge and @claude-edge/* to one version in package.json, and run `npm install`.",
  ),
  secret_missing: policy(
    0,
    false,
    EXIT.auth,
    "Put it into the environment of `claude-edge deploy`, or `claude-edge secrets set <name>`.",
  ),
  deployment_not_ready: policy(
    0,
    true,
    EXIT.retryLater,
    "`npx wrangler containers list` shows how far it is; `claude-edge whoami` tries again.",
  ),
  dev_running: policy(0, false, EXIT.conflict, "Use that one, or stop it first."),
  name_collision: policy(
    0,
    false,
    EXIT.conflict,
    "Rename one of them, or fetch them to a disk that tells them apart.",
  ),
  port_in_use: policy(
    0,
    false,
    EXIT.conflict,
    "Choose another with --port, or --port 0 for any free one.",
  ),

  files_exist: policy(
    0,
    false,
    EXIT.usage,
    "Choose another folder, or have just these files replaced with --force.",
  ),
  image_build_failed: policy(
    0,
    false,
    EXIT.failed,
    "What docker says above tells why; the Dockerfile wants a lock file: install the packages first.",
  ),
  docker_unavailable: policy(
    0,
    false,
    EXIT.failed,
    "Start Docker. Without it, dev runs containers as local processes, and deploy --containers-rollout none leaves them as they are.",
  ),
} as const satisfies Record<string, ErrorPolicy>;
