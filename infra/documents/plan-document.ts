import { LEVELS } from "../plan/change";
import { amount, byName, count, defineDocument, flag, list, object, oneOf, orNull, text } from "./schema";

const connections = object("Connections, counted against `max_connections`.", {
  max: count("`max_connections`."),
  reserved: count("Reserved for administration and this program."),
  platforms: byName("Most at a time, by platform.", count("Connections.")),
  free: count("Connections that are left."),
});

const server = object("The server that a deployment creates.", {
  size: object("Its class or tier.", {
    name: text("The cloud's name for it."),
    vcpus: count("Virtual CPUs."),
    memoryGib: amount("Memory in GiB."),
  }),
  disk: object("Its disk.", {
    type: text("The cloud's name for it."),
    gib: count("Size at the start, in GiB."),
    ceilingGib: orNull(count("Size up to which it grows automatically, in GiB. Null if it does not grow.")),
    iops: orNull(count("Operations per second. Null if they follow from the size.")),
    throughputMibps: orNull(count("MiB/s. Null if it follows from the size.")),
  }),
  recoveryDays: count("Number of past days of which any moment can be restored. 0 for none."),
  endpoint: orNull(text("Its host name. Null if the cloud chooses it.")),
  key: text("The key that encrypts it. A sentence for people: its wording may change."),
  guards: list("What protects it from deletion.", text("A sentence for people: its wording may change.")),
});

const instances = list(
  "The instances, in the environment's order.",
  object("One instance.", {
    name: text("Its name in the environment."),
    majorVersion: count("Major version of PostgreSQL."),
    server: orNull(server),
    existing: orNull(text("Host and port of an existing database. Null if a deployment creates it.")),
    standby: flag("Whether a standby in a second zone takes over."),
    readReplicas: count("Number of read replicas."),
    backups: object("Its backups.", {
      days: count("Days for which they are kept. 0 for none."),
      window: text("When they are taken, UTC."),
      copies: orNull(text("Another region that receives them. Null for none.")),
    }),
    maintenanceWindow: text("UTC."),
    connections,
    readerConnections: orNull(connections),
  }),
);

const platforms = list(
  "The platforms, in the environment's order.",
  object("One platform.", {
    name: text("Its name in the environment."),
    kind: text("Its kind."),
    title: text("Its kind's name, as its project writes it."),
    chart: orNull(object("The chart that installs it.", { name: text("Its name."), version: text("Its version.") })),
    instance: text("The instance that it is on."),
    databases: list("Its databases.", text("A database.")),
    logins: list("Its two logins: a rotation changes to the other.", text("A login.")),
    access: oneOf("How its pods connect: directly, or through the Auth Proxy beside them or for all of them.", [
      "direct",
      "sidecar",
      "proxy",
    ]),
    tls: oneOf("How they verify the server; `proxy` where the Auth Proxy does.", ["verify-full", "verify-ca", "proxy"]),
    connections: count("Most connections to the primary at a time."),
    readerConnections: count("Most connections to the first read replica at a time."),
    rights: list("Rights in every namespace that its chart grants to pods.", text("A sentence for people: its wording may change.")),
  }),
);

const changes = list(
  "Changes, the worst first. Empty if nothing was compared.",
  object("One change.", {
    level: oneOf("Severity: lost, refused by the vendor, an interruption, a matter of cost, or none of these.", LEVELS),
    path: text("The setting in the environment, such as `instances.main.storageGib`, or the name of a resource without a setting."),
    before: orNull(text("The current value. Null if there is none.")),
    after: orNull(text("The new value. Null if there would be none.")),
    effect: text("What happens. A sentence for people: its wording may change. Empty if there is nothing to say."),
    remedy: text("What to do instead, or in addition. A sentence for people. Empty if there is nothing to do."),
  }),
);

const cost = object("What it costs in a month.", {
  parts: list(
    "The parts that are billed.",
    object("One part.", {
      instance: orNull(text("The instance. Null for a shared part.")),
      part: text("What it is, in words."),
      usd: orNull(amount("US dollars a month. Null if the price is unknown.")),
      source: orNull(text("Where the price was read. Null if it is unknown.")),
    }),
  ),
  usd: amount("The sum of the prices that are known, in US dollars a month."),
});

export const planDocument = defineDocument(
  "plan",
  1,
  "plan -- --cloud CLOUD",
  "What a deployment would create and change. If `isDangerous` is true, the exit code is 2.",
  {
    environment: text("The environment's name."),
    cloud: text("The cloud."),
    region: text("The region."),
    account: orNull(text("The account or project. Null if the credentials in use decide it.")),
    instances,
    platforms,
    uses: list(
      "Existing resources, which a deployment only reads.",
      object("One of them.", {
        path: text("The setting that names it."),
        what: text("What it is, in words."),
        id: text("Its ID."),
      }),
    ),
    compared: orNull(list("Stacks that were compared.", text("A stack."))),
    changes,
    isDangerous: flag("Whether something would be lost, or refused by the vendor."),
    details: list("The changes resource by resource.", text("A line for people: its wording may change.")),
    cost: orNull(
      object("What it costs.", {
        after: cost,
        before: orNull(cost),
        limitUsd: orNull(count("`monthlyCostLimitUsd` of the environment. Null if it has none.")),
        pricesOf: orNull(text("Date of the oldest price, `yyyy-mm-dd`. Null if none is known.")),
        notCounted: list("What is never counted.", text("In words.")),
      }),
    ),
    warnings: list(
      "Warnings about the environment.",
      object("One warning.", {
        path: text("The setting in the environment."),
        rule: text("The rule that it breaks."),
        got: orNull(text("The setting's value. Null if there is nothing to show.")),
        remedy: text("What to do about it. Empty if the rule is enough."),
        id: orNull(text("ID of the rule, as in docs/reference/rules.md. Null for a check of a single field.")),
        acknowledged: orNull(text("The environment's reason to accept it. Null if it is not acknowledged.")),
      }),
    ),
    notes: list("Other effects.", text("A sentence for people: its wording may change.")),
    examples: list("Placeholder IDs in the environment, which block its deployment.", text("The setting.")),
    resources: list(
      "Number of resources after the deployment.",
      object("Resources of one type.", {
        stack: text("The stack, or the part of one."),
        type: text("The type, as the cloud calls it."),
        count: count("How many."),
      }),
    ),
  },
);
