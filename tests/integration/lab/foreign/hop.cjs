// A next hop: the package smtp-server, with a login behind STARTTLS. One line of JSON for each message it takes.
'use strict';

const fs = require('fs');
const path = require('path');

const { SMTPServer } = require(path.join(process.argv[2], 'node_modules/smtp-server'));
const [key, cert, log] = process.argv.slice(3);

let turnedAway = 0;

function refusal(code, text) {
  const error = new Error(text);
  error.responseCode = code;
  return error;
}

new SMTPServer({
  key: fs.readFileSync(key), cert: fs.readFileSync(cert), authMethods: ['PLAIN', 'LOGIN'], size: 100000,
  onAuth(auth, session, done) {
    const right = auth.username === 'sekisho' && auth.password === 'tomare';
    done(right ? null : refusal(535, 'wrong'), right ? { user: auth.username } : undefined);
  },
  onRcptTo(address, session, done) {
    if (address.address.startsWith('refused@')) return done(refusal(550, 'no such user'));
    if (address.address.startsWith('later@') && turnedAway++ === 0) return done(refusal(451, 'come again'));
    return done();
  },
  onData(stream, session, done) {
    const octets = [];
    stream.on('data', part => octets.push(part));
    stream.on('end', () => {
      fs.appendFileSync(log, JSON.stringify({
        from: session.envelope.mailFrom.address, to: session.envelope.rcptTo.map(one => one.address), user: session.user, secure: session.secure,
        helo: session.hostNameAppearsAs, message: Buffer.concat(octets).toString('latin1'),
      }) + '\n');
      done();
    });
  },
}).listen(587, '0.0.0.0', () => fs.appendFileSync(log, '{}\n'));
