#include "relay/hop_connection.h"

#include <algorithm>
#include <utility>

#include "base/memory.h"
#include "net/loop.h"

namespace sekisho::relay {

namespace {

// RFC 5321 §4.5.3.2.6: the server may do all of its work between the dot and its reply.
constexpr std::chrono::minutes dot_timeout(10);

constexpr net::Stream::Limits limits{
    .usual_octets = 4096,
    .most_octets = 2 * reply_octets,
    // Our own timer ends what lasts too long.
    .idle = std::chrono::hours(24),
    // The refusal of a message may come while it is being sent, and replies to many pipelined
    // commands before all are sent.
    .reads_while_writing = true,
};

std::string in_words(std::chrono::seconds time) {
  if (time.count() % 60 == 0) return std::to_string(time.count() / 60) + " min";
  return std::to_string(time.count()) + " s";
}

}  // namespace

HopConnection::HopConnection(net::Link link, Setup setup)
    : setup_(std::move(setup)),
      source_(net::source_of(link.fd.get())),
      stream_(std::move(link), *this, limits),
      timer_(stream_.loop()),
      conversation_(setup_.conversation, std::move(setup_.login)) {
  conversation_.note(setup_.opening);
}

void HopConnection::run(Transaction transaction, std::shared_ptr<OpenMessage> message, Done done) {
  message_ = std::move(message);
  block_.reset();
  read_ = 0;
  if (message_) {
    block_ = std::move(message_->first);
    read_ = block_->size();
  }
  done_ = std::move(done);
  watching_ = false;
  conversation_.begin(std::move(transaction));
  pump();
}

bool HopConnection::reusable() const {
  return !stream_.closed() && !closing_ && !done_ &&
         conversation_.want() == Conversation::Want::transaction;
}

void HopConnection::rest(std::chrono::seconds most) {
  watching_ = false;
  timer_.set(steady_now() + most, [this, self = shared_from_this()] {
    if (reusable()) quit();
  });
}

void HopConnection::quit() {
  conversation_.quit();
  pump();
}

net::Stream::Taken HopConnection::take(std::string_view received) {
  if (layer_) {
    layer_->receive(received);
    on_tls();
  } else {
    conversation_.receive(received);
  }
  pump();
  return {received.size(), stream_.closed() ? net::Stream::Then::end : net::Stream::Then::read};
}

void HopConnection::on_tls() {
  if (auto octets = layer_->take_output(); !octets.empty()) stream_.send(std::move(octets));
  if (layer_->established() && !std::exchange(tls_told_, true)) {
    tls_facts_.verified = layer_->verified();
    if (!tls_facts_.verified) tls_facts_.why_unverified = layer_->why_unverified();
    tls_facts_.summary =
        layer_->version() + " " + layer_->cipher() +
        (tls_facts_.verified ? " verified" : " not verified: " + tls_facts_.why_unverified);
    conversation_.tls_established(tls_facts_);
  }
  // The greeting of a server that begins with TLS may have come with the end of the handshake.
  if (const auto plain = layer_->take_plain(); !plain.empty()) conversation_.receive(plain);
  if (const auto& failure = layer_->failure()) {
    conversation_.lost(*failure);
  } else if (layer_->ended()) {
    conversation_.lost("the server ended TLS");
  }
}

void HopConnection::begin_tls() {
  if (!setup_.tls) return conversation_.tls_failed("there is no usable list of authorities");
  layer_.emplace(setup_.tls, setup_.tls_name);
  on_tls();
}

void HopConnection::failed(const std::string& why) {
  conversation_.lost(why == "End of file" ? "the server closed the connection" : why);
  pump();
  close();
}

// What is done may lead to a new transaction of the same connection before this returns.
void HopConnection::pump() {
  if (std::exchange(pumping_, true)) return;
  // A step that throws ends the connection (broken()), which tells what has come of it.
  const auto at_end = [this](void*) { pumping_ = false; };
  const std::unique_ptr<void, decltype(at_end)> pumping(this, at_end);
  while (step()) {
  }
}

// False: the other side is to act.
bool HopConnection::step() {
  write_out();
  watch();
  switch (conversation_.want()) {
    case Conversation::Want::handshake:
      if (layer_) return false;
      begin_tls();
      return true;
    case Conversation::Want::content:
      return feed();
    case Conversation::Want::reply:
      return false;
    case Conversation::Want::transaction:
    case Conversation::Want::end:
      break;
  }
  const bool told = static_cast<bool>(done_);
  tell_outcome();
  if (conversation_.want() == Conversation::Want::end && !closing_) close();
  return told && !closing_;
}

void HopConnection::write_out() {
  std::string octets = conversation_.take_output();
  if (octets.empty() || stream_.closed()) return;
  if (!layer_) return stream_.send(std::move(octets));
  if (!layer_->established()) return;
  layer_->send(octets);
  stream_.send(layer_->take_output());
}

// One block is on its way at a time, so that a slow server costs little memory.
bool HopConnection::feed() {
  if (stream_.sending() || reading_ || !stream_.takes_more()) return false;
  if (block_) {
    const std::string block = *std::exchange(block_, std::nullopt);
    conversation_.content(block);
    return true;
  }
  if (read_ >= message_->size) {
    conversation_.content_end();
    return true;
  }
  read_block();
  return false;
}

void HopConnection::read_block() {
  reading_ = true;
  auto self = std::static_pointer_cast<HopConnection>(shared_from_this());
  // Moved on, for the last owner must not be the reader's thread.
  setup_.readers->post([self = std::move(self), message = message_, from = read_]() mutable {
    auto block = message->content.with(
        [&](const auto& content) { return content->read(from, block_octets); });
    const auto executor = self->stream_.loop().executor();
    executor->post([self = std::move(self), block = std::move(block)]() mutable {
      self->guarded([&] { self->on_block(std::move(block)); });
    });
  });
}

void HopConnection::on_block(Expected<std::string, std::string> block) {
  reading_ = false;
  if (!block) {
    conversation_.content_failed("the message cannot be read: " + block.error());
  } else if (block->empty()) {
    conversation_.content_failed("the message is shorter than it was");
  } else {
    read_ += block->size();
    block_ = std::move(*block);
  }
  pump();
}

void HopConnection::tell_outcome() {
  auto outcome = conversation_.take_outcome();
  if (!outcome || !done_) return;
  message_.reset();
  timer_.cancel();
  watching_ = false;
  std::exchange(done_, nullptr)(std::move(*outcome));
}

void HopConnection::watch() {
  if (!done_ || stream_.closed()) return;
  if (watching_ && watched_progress_ == conversation_.progress()) return;
  watching_ = true;
  watched_progress_ = conversation_.progress();
  const auto most = conversation_.after_dot() ? dot_timeout : setup_.timeout;
  timer_.set(steady_now() + most,
             [this, self = shared_from_this()] { guarded([this] { on_time(); }); });
}

void HopConnection::on_time() {
  if (!done_ || !watching_ || watched_progress_ != conversation_.progress()) return;
  const auto most = conversation_.after_dot() ? dot_timeout : setup_.timeout;
  conversation_.lost("no answer within " + in_words(most));
  pump();
  close();
}

void HopConnection::close() {
  if (std::exchange(closing_, true)) return;
  conversation_.lost("the connection was closed");
  timer_.cancel();
  if (layer_ && layer_->established()) {
    layer_->close();
    stream_.send(layer_->take_output());
  }
  stream_.close();
  tell_outcome();
}

void HopConnection::broken(const std::exception& error) noexcept {
  contained([&] { conversation_.lost("internal error: " + what_of(error)); });
  contained([this] { close(); });
  // Nobody else would say what has come of it.
  contained([this] { stream_.close(); });
  until_memory([this] { tell_outcome(); });
}

}  // namespace sekisho::relay
