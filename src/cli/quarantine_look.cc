// `sekisho quarantine list`, `show` and `export`.
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <nlohmann/json.hpp>

#include "base/unique_handle.h"
#include "cli/held_text.h"
#include "cli/quarantine_store.h"
#include "record/held.h"

namespace sekisho::cli {

namespace {

// Rows at a terminal without --limit: those of a day, not of a month.
constexpr std::size_t terminal_rows = 100;

constexpr auto replaced = nlohmann::json::error_handler_t::replace;

// Output must arrive: `list > FILE` on a full disk is a failure.
int finish(int code) {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return complain(io_error, "cannot write to standard output");
  return code;
}

int print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return finish(ok);
}

// A long output, written in blocks; stops after a failed write.
class Output {
 public:
  std::string& text() { return text_; }
  // Call now and then; false after a failed write.
  bool write_block() {
    constexpr std::size_t block = 64 * 1024;
    return text_.size() < block || write();
  }
  bool write() {
    good_ = good_ && std::fwrite(text_.data(), 1, text_.size(), stdout) == text_.size();
    text_.clear();
    return good_;
  }

 private:
  std::string text_;
  bool good_ = true;
};

int list_json(quarantine::Store& store, const quarantine::Filter& filter) {
  Output output;
  output.text() = "[";
  const char* between = "";
  const auto listed = store.list(filter, [&](const quarantine::HeldRow& held) {
    output.text() += between;
    between = ",\n";
    append_held_json(output.text(), held);
    return output.write_block();
  });
  if (!listed) return complain(complaint_of(listed.error()));
  output.text() += "]\n";
  output.write();
  return finish(ok);
}

// For a person: how many messages the list has left out.
OrComplaint<std::string> rest_of(quarantine::Store& store, const quarantine::Filter& filter,
                                 std::size_t shown) {
  if (filter.limit == 0 || shown < filter.limit) return std::string();
  const auto all = store.count(filter);
  if (!all) return tl::unexpected(complaint_of(all.error()));
  if (*all <= shown) return std::string();
  return std::to_string(*all - shown) +
         " more: --limit 0 shows all, --limit N the latest N, a filter fewer\n";
}

int list_table(quarantine::Store& store, quarantine::Filter filter, const FilterOptions& options) {
  const Terminal terminal = standard_output();
  if (terminal.is_terminal) filter.limit = options.limit.value_or(terminal_rows);
  const HeldTable table(terminal.columns, terminal.charset, !options.state.empty());
  Output output;
  std::size_t shown = 0;
  const auto listed = store.list(filter, [&](const quarantine::HeldRow& held) {
    if (shown++ == 0) table.add_title(output.text());
    table.add(output.text(), held);
    return output.write_block();
  });
  if (!listed) return complain(complaint_of(listed.error()));
  if (shown == 0 && terminal.is_terminal) return complain(ok, "nothing is held that matches");
  if (shown == 0) table.add_title(output.text());
  if (terminal.is_terminal) {
    const auto rest = rest_of(store, filter, shown);
    if (!rest) return complain(rest.error());
    output.text() += *rest;
  }
  output.write();
  return finish(ok);
}

int print_json(const quarantine::HeldMessage& message) {
  auto object = held_json(message.held);
  object["envelope"] = nlohmann::json::parse(message.detail.envelope, nullptr, false);
  if (const auto decision = record::held_json(message.detail.decision)) {
    object["decision"] = *decision;
  } else {
    object["decision"] = nullptr;
  }
  object["acts"] = nlohmann::json::array();
  for (const auto& [time, who, what] : message.acts)
    object["acts"].push_back({{"time", to_iso8601(time)}, {"by", who}, {"what", what}});
  object["gone_from"] = message.gone_from ? to_iso8601(*message.gone_from) : "";
  if (object["envelope"].is_discarded()) object["envelope"] = nullptr;
  return print(object.dump(2, ' ', true, replaced) + "\n");
}

OrComplaint<std::string> read_octets(quarantine::Store& store, const std::string& id) {
  using quarantine::State;
  const auto row = store.get(id);
  if (!row) return tl::unexpected(complaint_of(row.error(), id));
  const auto state = row->held.state;
  if (state != State::held && state != State::released && !row->gone_from) {
    return complaint(no_input,
                     id + ": it is " + std::string(to_string(state)) + ", and the message is gone");
  }
  const auto file = store.open_message(id);
  if (!file) return tl::unexpected(complaint_of(file.error(), id));
  auto octets = file->read_all();
  if (!octets) return tl::unexpected(complaint_of(octets.error(), id));
  return std::move(*octets);
}

int print_octets(const ShowOptions& options, const std::string& octets) {
  const Terminal terminal = standard_output();
  if (options.headers) return print(header_text(octets, terminal.charset));
  if (options.text) return print(message_text(octets, terminal.charset));
  if (!terminal.is_terminal) return print(octets);
  if (!options.force) {
    return complain(usage,
                    "a terminal acts on what a message contains; send it to a file or a pager, or "
                    "use --force to see it with control characters escaped");
  }
  return print(raw_text(octets, terminal.charset));
}

OrComplaint<std::string> only_id(const QuarantineOptions& options) {
  const auto ids = parse_ids(options.ids.front());
  if (!ids) return complaint(usage, ids.error());
  if (ids->size() != 1) return complaint(usage, "one id");
  return ids->front();
}

int write_new_file(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return complain(cannot_create, path + ": cannot be created; it must not exist");
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd.get(), text.data(), text.size());
    if (wrote < 0 && errno != EINTR) return complain(cannot_create, path + ": cannot be written");
    if (wrote > 0) text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return ok;
}

}  // namespace

int quarantine_list(const QuarantineOptions& options) {
  auto open = open_store(options.config);
  if (!open) return complain(open.error());
  const auto filter = make_filter(options.filter, wall_now());
  if (!filter) return complain(filter.error());
  // Messages held before the configuration changed.
  if (const auto elsewhere = held_elsewhere(open->settings); !elsewhere.empty())
    warn("note " + elsewhere.front());
  return options.json ? list_json(*open->store, *filter)
                      : list_table(*open->store, *filter, options.filter);
}

int quarantine_show(const ShowOptions& options) {
  const auto id = only_id(options);
  if (!id) return complain(id.error());
  auto open = open_store(options.config);
  if (!open) return complain(open.error());
  if (options.headers || options.text || options.raw) {
    const auto octets = read_octets(*open->store, *id);
    return octets ? print_octets(options, *octets) : complain(octets.error());
  }
  const auto message = open->store->get(*id);
  if (!message) return complain(complaint_of(message.error(), *id));
  if (options.json) return print_json(*message);
  const Terminal terminal = standard_output();
  return print(options.why ? why_text(*message, terminal.charset)
                           : held_page(*message, terminal.charset));
}

int quarantine_export(const KeepOptions& options) {
  const auto id = only_id(options);
  if (!id) return complain(id.error());
  auto open = open_store(options.config);
  if (!open) return complain(open.error());
  const auto message = open->store->get(*id);
  if (!message) return complain(complaint_of(message.error(), *id));
  const auto octets = read_octets(*open->store, *id);
  if (!octets) return complain(octets.error());
  const std::string text = defanged(message->held, *octets);
  return options.file.empty() ? print(text) : write_new_file(options.file, text);
}

}  // namespace sekisho::cli
