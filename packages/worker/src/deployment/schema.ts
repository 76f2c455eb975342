import { SECRET_TABLE } from "../secrets/secret-table.js";

/** The tables of a deployment's object, as steps for `migrate`. */
export const DEPLOYMENT_SCHEMA: readonly string[] = [
  `
  -- What the list shows of each account, as it last reported it.
  CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    -- What GET /v1/accounts/{account} answered then, as JSON.
    resource TEXT NOT NULL,
    active_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX accounts_newest ON accounts (active_at DESC, name DESC);

  -- One row once the deployment has stored anything: the jurisdiction of its objects; NULL: none.
  CREATE TABLE jurisdiction (name TEXT);
  ${SECRET_TABLE}`,
];
