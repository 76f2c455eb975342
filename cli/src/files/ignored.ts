/** Folders that a workspace is not checkpointed with, and that are not sent there either: they can be made again. */
const IGNORED: ReadonlySet<string> = new Set([
  "node_modules",
  ".venv",
  "venv",
  "__pycache__",
  ".pytest_cache",
  ".mypy_cache",
  ".ruff_cache",
  ".cache",
  ".npm",
  ".pnpm-store",
  ".turbo",
  ".gradle",
]);

export const isIgnored = (name: string): boolean => IGNORED.has(name);
