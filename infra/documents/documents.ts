import { importDocument } from "./import-document";
import { planDocument } from "./plan-document";
import { byName, count, defineDocument, flag, list, object, oneOf, orNull, type Printed, text, type ValuesOf } from "./schema";
import { statusDocument } from "./status-document";

const about = {
  environment: text("The environment's name."),
  target: oneOf("Where it is: this machine, or a cloud.", ["local", "aws", "gcp"]),
};

const checks = list(
  "Every check, in the order in which they ran.",
  object("One check.", {
    kind: oneOf("What was checked.", ["instance", "platform"]),
    name: text("The instance's or platform's name in the environment."),
    promise: text("What should be true. A sentence for people: its wording may change."),
    passed: flag("Whether it is true."),
    problem: orNull(text("The problem and its remedy. Null if the check passed.")),
    note: orNull(text("A remark on a passed check. Null if there is none.")),
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
    host: text("Host name in its certificate."),
    port: count("TCP port."),
    directory: orNull(
      text("Absolute path of the server's data and log. Null if the server does not run on this machine for this project."),
    ),
    statements,
    connections: object("How its connections are divided.", {
      max: count("`max_connections` that the environment counts on."),
      platforms: count("The sum of the platforms' limits."),
      reserved: count("Reserved for administration and this program."),
      free: count("Connections that are left."),
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
    connectionLimit: count("Connection limit of the login."),
    configurationFile: orNull(
      text("Absolute path of the file from which it starts on this machine. It contains the password. Null on a cloud."),
    ),
    startCommands: list(
      "Shell commands that start it on this machine. Empty on a cloud, or if it needs more than these files.",
      text("A line. If it ends with a backslash, the next line continues it."),
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
  passed: flag("Whether every check passed. If false, the exit code of `start -- --once` is 1."),
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
    upToDate: flag("Whether provisioning has nothing to change, and other people have nothing to correct. If false, the exit code is 2."),
    instances: list(
      "The instances, in the environment's order.",
      object("One instance.", {
        name: text("Its name in the environment."),
        host: text("Host name in its certificate."),
        port: count("TCP port."),
        refusal: orNull(
          text("Why provisioning refuses the server until another person corrects it: too old, read-only, or too few connections."),
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
        problems: finding("Problems that only another person can correct. Provisioning fails until then."),
        unsound: finding("Problems in the platforms' databases that provisioning does not repair."),
        unknown: finding("What is only known after the statements have run."),
        works: list(
          "Logins whose secret's password was tried, and works in all databases of their platform.",
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
    text("The login with the new password, which the platform uses from now on. Null if the rotation's Job has another version."),
  ),
  previousLogin: orNull(text("The login used until now. Null if `login` is.")),
  revoked: flag("Whether the previous login can no longer log in (`--revoke`). Otherwise it works until the next rotation."),
  endedSessions: orNull(count("Sessions that were ended. Null without `--revoke`, which ends none.")),
  problem: orNull(text("Why the new login does not work yet. Null if it works.")),
  next: orNull(text("What to do next. A sentence for people: its wording may change. Null if the new login does not work.")),
});

/** All documents, in the order of their page. */
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
