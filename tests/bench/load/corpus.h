// tests/bench/load/corpus.h: the messages of a load run, read once from a folder written by
// corpus.py. NAME.eml is the message with CRLF line ends; NAME.env its envelope in lines of
// key=value: client, name, helo, from, rcpt (repeated), group, expect.
// Errors: std::runtime_error names the file.
// Thread: immutable once read.
#pragma once

#include <string>
#include <vector>

namespace sekisho::bench {

struct Field {
  std::string name;
  std::string value;  // all octets after the colon, folds as LF: what an MTA hands to a filter
};

struct Envelope {
  std::string client = "192.0.2.1";
  std::string client_name = "unknown";
  std::string helo = "localhost";
  std::string from;  // without angle brackets; empty is the null reverse-path
  std::vector<std::string> rcpt;
  std::string group;   // results are also shown by group
  std::string expect;  // "spf=pass dkim=pass dmarc=pass": compared with what the filters wrote
};

struct Message {
  std::string file;
  Envelope envelope;
  std::vector<Field> header;
  std::string body;
};

Message parse_message(const std::string& file, const std::string& text);
std::vector<Message> read_corpus(const std::string& folder);

}  // namespace sekisho::bench
