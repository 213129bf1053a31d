#include "mail/mime.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/ascii.h"
#include "mail/charset.h"
#include "mail/content_field.h"
#include "mail/header.h"
#include "mail/message.h"
#include "mail/transfer_encoding.h"

namespace sekisho::mail {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view message) : message_(message) {}

  MimeParts read() {
    begin_part(0);
    while (at_ < message_.size() && !stopped_) {
      const std::size_t begin = at_;
      const std::string_view line = take_line();
      if (const auto found = delimiter(line)) {
        end_leaf(begin);
        cross(*found);
      } else if (state_ == State::header && line.empty()) {
        end_header(begin);
      }
    }
    if (!stopped_ && state_ == State::header) end_header(at_);
    end_leaf(message_.size());
    return std::move(parts_);
  }

 private:
  enum class State {
    header,  // of a part
    leaf,    // its content
    between  // preamble, epilogue: nobody reads it
  };
  struct Level {
    std::string boundary;
    std::size_t depth = 0;  // of the parts that it separates
  };
  struct Delimiter {
    std::size_t level = 0;
    bool last = false;
  };

  // Without its line end.
  std::string_view take_line() {
    const std::size_t feed = message_.find('\n', at_);
    std::string_view line =
        message_.substr(at_, feed == std::string_view::npos ? feed : feed - at_);
    at_ = feed == std::string_view::npos ? message_.size() : feed + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  std::optional<Delimiter> delimiter(std::string_view line) const {
    if (levels_.empty() || !line.starts_with("--")) return std::nullopt;
    line.remove_prefix(2);
    // RFC 2046 §5.1.1: 70 octets at most; others write longer ones.
    constexpr std::size_t longest = 1000;
    if (line.size() > longest) return std::nullopt;
    while (!line.empty() && ascii::is_wsp(line.back())) line.remove_suffix(1);
    if (const auto found = by_boundary_.find(std::string(line)); found != by_boundary_.end())
      return Delimiter{found->second, false};
    if (!line.ends_with("--")) return std::nullopt;
    line.remove_suffix(2);
    if (const auto found = by_boundary_.find(std::string(line)); found != by_boundary_.end())
      return Delimiter{found->second, true};
    return std::nullopt;
  }

  void cross(const Delimiter& found) {
    while (levels_.size() > found.level + 1) leave();
    if (found.last) {
      leave();
      state_ = State::between;
    } else {
      begin_part(levels_.back().depth);
    }
  }

  void leave() {
    by_boundary_.erase(levels_.back().boundary);
    levels_.pop_back();
  }

  void begin_part(std::size_t depth) {
    if (parts_.parts.size() == mime_parts) {
      parts_.complete = false;
      stopped_ = true;
      return;
    }
    parts_.parts.emplace_back().depth = depth;
    header_ = at_;
    state_ = State::header;
  }

  void end_header(std::size_t end) {
    auto& part = parts_.parts.back();
    read_fields(message_.substr(header_, std::min(end - header_, mime_header_octets)), part);
    leaf_ = at_;
    state_ = State::leaf;
    if (part.type == "message/rfc822" && part.encoding != "base64" &&
        part.encoding != "quoted-printable") {
      open_container(part.depth, "");
    } else if (part.type.starts_with("multipart/") && !boundary_.empty()) {
      open_container(part.depth, boundary_);
    }
  }

  void open_container(std::size_t depth, const std::string& boundary) {
    if (depth + 1 >= mime_depth) {
      parts_.complete = false;
      return;  // its content is one leaf
    }
    if (boundary.empty()) return begin_part(depth + 1);
    // The same boundary inside itself: the outer one ends both, as in every reader that goes line
    // by line.
    if (!by_boundary_.try_emplace(boundary, levels_.size()).second) return;
    levels_.push_back({boundary, depth + 1});
    state_ = State::between;
  }

  void read_fields(std::string_view header, MimePart& part) {
    boundary_.clear();
    const Message message = parse_message(header);
    for (const auto& field : message.header.fields()) {
      if (field.is("Content-Type")) {
        const ContentField type(field.unfolded());
        if (type.value().find('/') != std::string::npos) part.type = type.value();
        part.charset = type.parameter("charset");
        boundary_ = type.parameter("boundary");
        if (part.file_name.empty()) part.file_name = type.readable_parameter("name");
      } else if (field.is("Content-Disposition")) {
        const ContentField disposition(field.unfolded());
        part.disposition = disposition.value();
        if (auto name = disposition.readable_parameter("filename"); !name.empty())
          part.file_name = std::move(name);
      } else if (field.is("Content-Transfer-Encoding")) {
        part.encoding = ascii::lower(ascii::trim(field.unfolded()));
      }
    }
  }

  // The line end before a delimiter belongs to it.
  void end_leaf(std::size_t end) {
    if (state_ != State::leaf) return;
    std::string_view body = message_.substr(leaf_, end - leaf_);
    if (end < message_.size()) {
      if (body.ends_with('\n')) body.remove_suffix(1);
      if (body.ends_with('\r')) body.remove_suffix(1);
    }
    parts_.parts.back().body = body;
    state_ = State::between;
  }

  std::string_view message_;
  std::size_t at_ = 0;
  MimeParts parts_;
  State state_ = State::header;
  bool stopped_ = false;
  std::size_t header_ = 0;
  std::size_t leaf_ = 0;
  std::string boundary_;  // of the part whose header was read last
  std::vector<Level> levels_;
  std::unordered_map<std::string, std::size_t> by_boundary_;
};

}  // namespace

std::string MimePart::content() const { return decode_transfer(body, encoding); }

std::string MimePart::text() const {
  return readable(content(), charset.empty() ? "us-ascii" : charset);
}

MimeParts read_mime(std::string_view message) { return Reader(message).read(); }

}  // namespace sekisho::mail
