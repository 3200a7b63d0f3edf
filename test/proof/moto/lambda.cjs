/**
 * Runs a function as Lambda would: `node lambda.cjs FILE EXPORT`, with the event, the seconds that it has and the ports of the databases'
 * endpoints on standard input. It answers on standard output; what it prints goes to standard error.
 */
const { readFileSync } = require("node:fs");
const { Socket } = require("node:net");

const [file, name] = process.argv.slice(2);
const { event, seconds, ports } = JSON.parse(readFileSync(0, "utf8"));

// The only thing that is bent: an endpoint of RDS leads to a server of this machine. Its certificate is for the endpoint's name.
const { connect } = Socket.prototype;
Socket.prototype.connect = function (...args) {
  // The driver's way to ask; others give objects.
  const port = typeof args[1] === "string" ? ports[`${args[1]}:${args[0]}`] : undefined;
  return port === undefined ? connect.apply(this, args) : connect.call(this, port, "127.0.0.1");
};

console.log = console.error;
const end = Date.now() + seconds * 1000;
require(file)
  [name](event, { getRemainingTimeInMillis: () => end - Date.now() })
  .then(
    (answer) => process.stdout.write(JSON.stringify(answer ?? null)),
    (error) => {
      process.stdout.write(error.message);
      process.exitCode = 1;
    },
  );
