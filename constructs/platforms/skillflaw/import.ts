import type { ImportFacts } from "../../model/imports";

/** As seen in Langflow 1.13.0, its upstream. */
export const skillflawImport: Partial<ImportFacts> = {
  sqlite: {
    file: "langflow.db",
    revisions: {},
    upgrade: "bring a copy up to date: start the image that the environment runs on it once",
    directory: null,
  },
  // Users and flows count as somebody's, although a first start writes some.
  ownRows: {
    authz_role: 3,
    model_provider_policy: 1,
    policy_bundle_active: 1,
    policy_bundle_revision: 1,
    sso_settings: 1,
    folder: 2,
    variable: 3,
    trigger_lease: 5,
  },
  besides: [
    "Stored credentials need the key that encrypted them: put the file secret_key of the old configuration directory into secretKeySecret.",
    "Files that people uploaded are in the old configuration directory: copy them into the new volume.",
  ],
};
