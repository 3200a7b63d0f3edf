import { importDocument } from "./import-document";
import { planDocument } from "./plan-document";
import { byName, count, defineDocument, flag, list, object, oneOf, orNull, type Printed, text, type ValuesOf } from "./schema";
import { statusDocument } from "./status-document";

const about = {
  environment: text("The environment's name."),
  target: oneOf("Where it is: this machine, or a cloud.", ["local", "aws", "gcp"]),
};

const checks = list(
  "Every check, in the order in which it was made.",
  object("One check.", {
    kind: oneOf("What was checked.", ["instance", "platform"]),
    name: text("The instance's or platform's name in the environment."),
    promise: text("What should be true. A sentence for people: its wording may change."),
    passed: flag("Whether it is true."),
    problem: orNull(text("What is wrong, and the remedy. Null if the check passed.")),
    note: orNull(text("Something to know although the check passed.")),
  }),
);

const statements = list(
  "The statements, in the order in which they run.",
  object("One statement.", {
    platform: text("The platform that it is for."),
    database: text("The database in which it runs."),
    sql: text("The statement. A password is never shown: `PASSWORD <not shown>` stands for it, which is a syntax error."),
    passwordOf: orNull(text("The login that gets the password of its secret. Null if the statement sets none.")),
    reason: text("Why it runs. A sentence for people: its wording may change."),
  }),
);

const instances = list(
  "The instances, in the environment's order.",
  object("One instance.", {
    name: text("Its name in the environment."),
    host: text("Name of the host that its certificate carries."),
    port: count("TCP port."),
    directory: orNull(
      text("Absolute path of the server's data and log. Null if the server does not run on this machine for this project."),
    ),
    statements,
    connections: object("How its connections are shared out.", {
      max: count("`max_connections` that the environment counts on."),
      platforms: count("The sum of the platforms' limits."),
      reserved: count("Reserved for administration and this program."),
      free: count("What is left."),
    }),
  }),
);

const platforms = byName(
  "The platforms, by their names in the environment.",
  object("One platform.", {
    instance: text("The instance that it is on."),
    databases: list("Its databases.", text("A database.")),
    owner: text("The role that owns them."),
    login: text("The login that it uses."),
    connectionLimit: count("Most connections of the login."),
    configurationFile: orNull(
      text("Absolute path of the file that its process on this machine starts with. It contains the password. Null on a cloud."),
    ),
    startCommands: list(
      "Shell lines that start it on this machine. None on a cloud, or where its files alone cannot.",
      text("A line; one that ends with a backslash goes on in the next."),
    ),
  }),
);

const passed = flag("Whether every check passed. If false, the exit code is 1.");

export const doctorDocument = defineDocument("doctor", 1, "doctor", "What `doctor` found.", { ...about, passed, checks });

export const provisionDocument = defineDocument("provision", 1, "provision", "What `provision` did.", {
  ...about,
  passed,
  instances,
  platforms,
  checks,
});

export const startDocument = defineDocument("start", 1, "start", "What `start` did. It is printed when everything is ready.", {
  ...about,
  passed: flag("Whether every check passed. If false, `start -- --once` ends with exit code 1."),
  instances,
  platforms,
  checks,
});

const finding = (description: string) =>
  list(
    description,
    object("One of them.", {
      platform: text("The platform that it is about."),
      sentence: text("A sentence for people: its wording may change."),
    }),
  );

export const dryRunDocument = defineDocument(
  "provision-dry-run",
  1,
  "provision -- --dry-run",
  "What `provision` would do. Nothing was changed.",
  {
    ...about,
    upToDate: flag("Whether provisioning would change nothing, and no other person has to. If false, the exit code is 2."),
    instances: list(
      "The instances, in the environment's order.",
      object("One instance.", {
        name: text("Its name in the environment."),
        host: text("Name of the host that its certificate carries."),
        port: count("TCP port."),
        refusal: orNull(
          text(
            "Why provisioning would do nothing at all until another person has corrected the server: too old, read-only, too few connections.",
          ),
        ),
        statements,
        secrets: list(
          "Secrets that would get new versions.",
          object("One secret.", {
            platform: text("The platform that it is for."),
            secret: text("Its name."),
            logins: list("The logins of the new versions, in order. The platform would use the last.", text("A login.")),
            reason: text("Why. A sentence for people: its wording may change."),
          }),
        ),
        problems: finding("What only another person can correct, and without which provisioning fails."),
        unsound: finding("What is wrong in the platforms' databases, and provisioning does not mend."),
        unknown: finding("What shows only after the statements have run."),
        works: list(
          "Logins that were tried with the password of their secret, and work in all databases of their platform.",
          object("One login.", { platform: text("Its platform."), login: text("Its name.") }),
        ),
      }),
    ),
  },
);

export const closeDocument = defineDocument("provision-close", 1, "provision -- --close PLATFORM", "What `provision --close` did.", {
  ...about,
  platform: text("The platform, which is no longer in the environment."),
  endedSessions: count("Sessions of its logins that were ended."),
});

export const rotateDocument = defineDocument("rotate", 1, "rotate", "What `rotate` did. The new password is not in it.", {
  ...about,
  platform: text("The platform."),
  works: flag("Whether the new login works. If false, the exit code is 1."),
  login: orNull(
    text("The login that has a new password, and that the platform uses from now on. Null if the Job that rotated is of another version."),
  ),
  previousLogin: orNull(text("The login used until now. Null if `login` is.")),
  revoked: flag("Whether the previous login can no longer log in (`--revoke`). Otherwise it works until the next rotation."),
  endedSessions: orNull(count("Sessions that were ended. Null without `--revoke`, which ends none.")),
  problem: orNull(text("Why the new login does not work yet. Null if it works.")),
  next: orNull(text("What to do next. A sentence for people: its wording may change. Null if the new login does not work.")),
});

/** All of them, in the order of their page. */
export const DOCUMENTS: readonly Printed[] = [
  startDocument,
  doctorDocument,
  provisionDocument,
  dryRunDocument,
  closeDocument,
  rotateDocument,
  planDocument,
  statusDocument,
  importDocument,
];

export type DryRunInstance = ValuesOf<typeof dryRunDocument>["instances"][number];
export type ProvisionValues = ValuesOf<typeof provisionDocument>;
export type CheckValues = ProvisionValues["checks"][number];
export type StatementValues = ProvisionValues["instances"][number]["statements"][number];
