// Sends as programs written for node do, and prints what nodemailer makes of our answers.
'use strict';

const fs = require('fs');
const path = require('path');

const nodemailer = require(path.join(process.argv[2], 'node_modules/nodemailer'));
const { host, user, password, anchor } = JSON.parse(process.argv[3]);
const tls = { ca: fs.readFileSync(anchor) };

function transport(port, more = {}) {
  const secure = port === 465;
  return nodemailer.createTransport({
    host, port, secure, requireTLS: !secure, tls, name: 'node.client.example', auth: { user, pass: password }, ...more,
  });
}

function letter(subject) {
  const octets = Buffer.from(Array.from({ length: 256 * 40 }, (_, i) => i % 256));
  return {
    from: { name: '花子', address: user }, to: 'user@elsewhere.example', bcc: 'hidden@elsewhere.example', subject, text: '.\nHello\n',
    html: '<p>Hello', attachments: [{ filename: 'a.bin', content: octets }],
  };
}

async function main() {
  const answers = [];
  for (const port of [587, 465]) answers.push((await transport(port).sendMail(letter(`nodemailer ${port}`))).response);
  const pool = transport(587, { pool: true, maxConnections: 2 });
  const sent = await Promise.all([0, 1, 2].map(number => pool.sendMail(letter(`nodemailer pool ${number}`))));
  pool.close();
  answers.push(...sent.map(one => one.response));
  const wrong = await transport(587, { auth: { user, pass: 'wrong' } }).verify().catch(error => [error.responseCode, error.code]);
  const mx = nodemailer.createTransport({ host, port: 25, tls, name: 'mail.client.example' });
  const { accepted, rejected } = await mx.sendMail({
    from: 'a@client.example', to: ['nobody@example.jp', user], subject: 'nodemailer one unknown', text: 'Hello\n',
  });
  console.log(JSON.stringify({ answers, wrong, accepted, rejected }));
}

main();
