import { EdgeError, MAX_SECRET_NAME } from "@claude-edge/protocol";

/**
 * Variables that no secret may be: those that sessions' processes get from claude-edge, and those by which programs find
 * code to run, hosts to talk to, or whom to trust. A `*` at the end stands for all that begin so. In upper case: some are
 * heeded in lower case too.
 */
const REFUSED: Readonly<Record<string, string>> = {
  "who and where a process is": `PATH HOME SHELL USER LOGNAME PWD OLDPWD LANG LANGUAGE LC_* TZ TERM TMPDIR TMP TEMP
    HOSTNAME XDG_* TRACEPARENT TRACESTATE`,
  "what a shell runs": `IFS ENV BASH_ENV BASH_FUNC_* SHELLOPTS BASHOPTS PS4 PROMPT_COMMAND CDPATH EDITOR VISUAL PAGER
    MANPAGER BROWSER LESSOPEN LESSCLOSE`,
  "code that is loaded at the start": `LD_* DYLD_* GCONV_PATH MALLOC_CONF GLIBC_TUNABLES NODE_OPTIONS NODE_PATH
    NODE_REPL_EXTERNAL_MODULE BUN_* PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONINSPECT PERL5OPT PERL5LIB PERLLIB RUBYOPT
    RUBYLIB JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS CLASSPATH NPM_CONFIG_*`,
  "proxies and certificates": `HTTP_PROXY HTTPS_PROXY ALL_PROXY FTP_PROXY NO_PROXY NODE_USE_ENV_PROXY NODE_USE_SYSTEM_CA
    NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE CURL_HOME REQUESTS_CA_BUNDLE
    PIP_CERT PIP_PROXY AWS_CA_BUNDLE CARGO_HTTP_CAINFO DENO_CERT DENO_TLS_CA_STORE YARN_HTTPS_CA_FILE_PATH OPENSSL_CONF OPENSSL_MODULES`,
  "git's programs and settings": `GIT_ASKPASS GIT_CONFIG* GIT_DIR GIT_EDITOR GIT_EXEC_PATH GIT_EXTERNAL_DIFF GIT_PAGER
    GIT_PROXY_* GIT_SEQUENCE_EDITOR GIT_SSH GIT_SSH_* GIT_SSL_* GIT_TEMPLATE_DIR GIT_TERMINAL_PROMPT GIT_TRACE* GIT_WORK_TREE
    SSH_ASKPASS`,
  "the agent's own": `ANTHROPIC_* CLAUDE* IS_SANDBOX DISABLE_TELEMETRY DISABLE_AUTOUPDATER DISABLE_ERROR_REPORTING
    DISABLE_PROMPT_CACHING MCP_TIMEOUT MCP_TOOL_TIMEOUT MAX_THINKING_TOKENS`,
};

const PATTERNS = Object.values(REFUSED).flatMap((words) => words.split(/\s+/));
const NAMES: ReadonlySet<string> = new Set(PATTERNS);
const PREFIXES = PATTERNS.filter((word) => word.endsWith("*")).map((word) => word.slice(0, -1));

/** @throws EdgeError `secret_name_refused`. */
export function assertSecretName(name: string): void {
  const shown = JSON.stringify(name.length > MAX_SECRET_NAME ? `${name.slice(0, 32)}…` : name);
  if (name.length > MAX_SECRET_NAME || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    const form = `letters, digits and underscores, ${MAX_SECRET_NAME} at the most, no digit first`;
    const message = `The name of a secret is made of ${form}: ${shown}.`;
    throw new EdgeError("secret_name_refused", message);
  }
  const upper = name.toUpperCase();
  if (!NAMES.has(upper) && !PREFIXES.some((prefix) => upper.startsWith(prefix))) return;
  const message = `A secret cannot be called ${shown}: that variable has a meaning already.`;
  throw new EdgeError("secret_name_refused", message, { name });
}
