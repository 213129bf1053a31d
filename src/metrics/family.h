// metrics/family.h: families of samples for Prometheus as plain values, and their text (text
// exposition format 0.0.4). Thread: any; values.
//
// A part of the daemon with counters gives the composition root (app/daemon.cc) one more callback,
// which appends whole families:
//   sources.push_back([&store](Families& out) {
//     out.push_back(gauge("sekisho_quarantine_messages", "Messages that are held.", store.held()));
//     auto& expired = out.emplace_back(Family::Kind::counter, "sekisho_expired_total", "…");
//     expired.add({{"rule", "dmarc"}}, 7);
//   });
// It is called on the thread of the metrics server, for each scrape: it must be safe there and must
// not block; it may read counters, but not the disk. A family is appended once, and by one
// callback. Names are those of prometheus.io/docs/practices/naming: sekisho_ in front, base units,
// _total behind a counter. Only names from the configuration and fixed words become label values,
// never a sender's text: each new value is a new time series for ever. The zone of a DNS list may
// hold a secret: use its rule's name.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/words.h"

namespace sekisho::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

struct Sample {
  Labels labels;
  double value = 0;
  std::string suffix;  // of a histogram: "_bucket", "_sum", "_count"
};

struct Family {
  enum class Kind { counter, gauge, histogram };

  Family(Kind family_kind, std::string family_name, std::string family_help)
      : kind(family_kind), name(std::move(family_name)), help(std::move(family_help)) {}
  // Adds a sample, without labels or as one of several.
  Family& add(Labels labels, double value);
  Family& add(double value) { return add({}, value); }

  Kind kind;
  std::string name;
  std::string help;  // one sentence
  std::vector<Sample> samples;
};

constexpr auto words_of(Family::Kind) {
  return words<Family::Kind>({{Family::Kind::counter, "counter"},
                              {Family::Kind::gauge, "gauge"},
                              {Family::Kind::histogram, "histogram"}});
}

using Families = std::vector<Family>;
using Source = std::function<void(Families&)>;

// The families of one sample.
Family counter(std::string name, std::string help, std::uint64_t value);
Family gauge(std::string name, std::string help, double value);

// The text. Invalid UTF-8 in a label or help becomes U+FFFD, because Prometheus refuses a whole
// scrape that has any.
std::string render(const Families& families);

}  // namespace sekisho::metrics
