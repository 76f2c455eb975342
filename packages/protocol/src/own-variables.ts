/** Variables that decide which model is asked, by which way and in whose name: they are the deployment's. */
const OWN_VARIABLES =
  /^(PATH|HOME|SHELL|USER|IS_SANDBOX|TRACEPARENT|(HTTPS?|ALL|NO)_PROXY|NODE_USE_ENV_PROXY|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|ANTHROPIC_.*|CLAUDE_CONFIG_DIR|CLAUDE_CODE_TMPDIR|CLAUDE_CODE_OAUTH_.*|CLAUDE_CODE_USE_.*|CLAUDE_EDGE_.*)$/i;

/** Whether a session's `env` may not name a variable, because the deployment sets it. */
export const isOwnVariable = (name: string): boolean => OWN_VARIABLES.test(name);
