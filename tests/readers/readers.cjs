// Which addresses the From field of a message has, as readers written in JavaScript show it. One message in base64 a line
// comes in; one JSON object a line goes out: {reader: [address, …]}. A reader that fails shows nothing.
'use strict';

const path = require('path');
const readline = require('readline');

const modules = path.join(process.argv[2], 'node_modules');
const addressparser = require(path.join(modules, 'nodemailer/lib/addressparser'));
const { simpleParser } = require(path.join(modules, 'mailparser'));
const postalMime = require(path.join(modules, 'postal-mime'));
const PostalMime = postalMime.default || postalMime;

// The unfolded values of all From fields, as text.
function fromValues(message) {
  const end = message.indexOf('\r\n\r\n');
  const header = message.subarray(0, end < 0 ? message.length : end).toString('utf8').replace(/\r\n(?=[ \t])/g, '');
  return header.split('\r\n').filter(line => /^from[ \t]*:/i.test(line)).map(line => line.slice(line.indexOf(':') + 1));
}

// Groups hold their members; whoever shows a group shows them.
function addresses(list) {
  return list.flatMap(one => (one.group ? addresses(one.group) : [one.address || '']));
}

const READERS = {
  nodemailer: message => addresses(fromValues(message).flatMap(value => addressparser(value))),
  mailparser: async message => {
    const { from } = await simpleParser(message, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true });
    return from ? addresses(from.value) : [];
  },
  postal_mime: async message => {
    const { from } = await PostalMime.parse(message);
    return from ? addresses([from]) : [];
  },
  postal_mime_list: message => addresses(fromValues(message).flatMap(value => postalMime.addressParser(value))),
};

async function read(line) {
  const message = Buffer.from(line, 'base64');
  const shown = {};
  for (const [name, reader] of Object.entries(READERS)) {
    try {
      shown[name] = await reader(message);
    } catch (error) {
      shown[name] = [];
    }
  }
  return shown;
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await read(line)) + '\n');
  }
}

main();
