#include "support/smtp_house.h"

#include <algorithm>
#include <stdexcept>

#include "base/ascii.h"

namespace sekisho::test {

bool LogLines::write(LogLevel, std::string_view line) const {
  lines_.with([&](auto& lines) { lines.emplace_back(line); });
  return true;
}

std::vector<std::string> LogLines::all() const {
  return lines_.with([](const auto& lines) { return lines; });
}

bool LogLines::has(std::string_view part) const {
  const auto lines = all();
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

std::optional<mail::Path> FakeDirectory::reversed(const mail::Path& recipient) const {
  if (ascii::istarts_with(recipient.raw(), "SRS0=forged")) return std::nullopt;
  return recipient;
}

accounts::Existence FakeDirectory::exists(const mail::Path& recipient,
                                          const relay::Route* route) const {
  using accounts::Existence;
  if (route != nullptr && !route->open()) return Existence::exists;
  const auto local = ascii::lower(recipient.local_part());
  if (local == "asked") return Existence::ask;
  if (local == "unread") return Existence::unknown;
  static const std::set<std::string> users = {"alice", "bob",   "postmaster", "user",
                                              "b",     "a..b.", "piped"};
  return users.contains(local) ? Existence::exists : Existence::missing;
}

accounts::Expansion FakeDirectory::expand(const mail::Path& /*sender*/,
                                          const mail::Path& recipient) const {
  if (recipient.local_part() == "piped") return {{}, "aliases:1: piped: \"|x\" is a program"};
  return {{{recipient, std::nullopt, false}}, ""};
}

bool FakeDirectory::may_send_as(std::string_view login, const mail::Path& address) const {
  return ascii::iequals(login, address.raw());
}

void FakeAuthenticator::check(accounts::LoginAttempt attempt, Done done) {
  using Code = accounts::LoginAnswer::Code;
  ++asked;
  if (!available) return done({Code::unavailable, "", "no answer"});
  if (attempt.password != "sesame") return done({Code::wrong, "", ""});
  done({Code::accepted, attempt.login, ""});
}

class SmtpHouse::Keeps final : public session::Keeping {
 public:
  Keeps(SmtpHouse& house, std::shared_ptr<const session::Arrival> arrival)
      : house_(house), arrival_(std::move(arrival)) {}

  bool keeps_accepted() const override { return true; }
  std::unique_ptr<session::Draft> begin() override { return std::make_unique<Text>(); }
  void keep(session::KeepRequest request, std::function<void(session::HoldResult)> done) override {
    const session::HoldCode code = house_.code_;
    if (code != session::HoldCode::held) return done({code, "no space left on device"});
    KeptMessage kept;
    kept.content = static_cast<Text&>(*request.content).text;
    kept.received = request.received;
    for (const auto& each : request.accepted) kept.recipients.push_back(each.path.raw());
    for (const auto& each : request.held) kept.recipients.push_back(each.path.raw());
    kept.mail_parameters = request.mail_parameters;
    kept.sender = request.outcome.facts.mail_from.raw();
    kept.arrival = *arrival_;
    house_.kept_.with([&](auto& all) { all.push_back(std::move(kept)); });
    done({code, ""});
  }
  void take_back(session::ReleaseProof /*proof*/,
                 std::function<void(session::TakenBack)> done) override {
    done(std::nullopt);
  }

 private:
  struct Text final : session::Draft {
    void append(std::string_view octets) override { text.append(octets); }
    std::string text;
  };
  SmtpHouse& house_;
  std::shared_ptr<const session::Arrival> arrival_;
};

const char* const SmtpHouse::usual_zone = R"(
10.2.0.192.in-addr.arpa.  PTR  mx.a.example.
mx.a.example.             A    192.0.2.10
a.example.                MX   10 mx.a.example.
a.example.                TXT  "v=spf1 ip4:192.0.2.10 -all"
docomo.a.example.         MX   10 mx.a.example.
null.example.             MX   0 .
example.com.              MX   10 mx.a.example.
)";

namespace {

// broken.example never answers.
class PartlyBroken final : public dns::Resolver {
 public:
  explicit PartlyBroken(std::shared_ptr<dns::Resolver> zone) : zone_(std::move(zone)) {}
  dns::AnswerPtr at_hand(const dns::Question& question) override {
    if (question.name.text() != "broken.example") return zone_->at_hand(question);
    auto answer = std::make_shared<dns::Answer>();
    answer->error = "servfail";
    return answer;
  }
  Ticket ask(const dns::Question& question, Callback done) override {
    return zone_->ask(question, std::move(done));
  }
  void cancel(Ticket ticket) override { zone_->cancel(ticket); }
  dns::ResolverStatus status() const override { return {}; }

 private:
  std::shared_ptr<dns::Resolver> zone_;
};

std::shared_ptr<const relay::Map> usual_routes() {
  relay::Route route;
  route.domain = {"example.jp"};
  route.via.kind = relay::Via::Kind::discard;
  route.recipients = relay::Recipients{};
  relay::Route other = route;
  other.domain = {"example.org"};
  relay::MapOptions options;
  options.routes = {route, other};
  options.hostname = "mx.example.jp";
  options.own_names = {"mx.example.jp", "localhost", "[198.51.100.25]"};
  options.identity_domains = {"example.jp"};
  options.networks = mail::PrefixSet({mail::IpPrefix::parse("127.0.0.0/8").value()});
  options.relays = mail::PrefixSet({mail::IpPrefix::parse("192.0.2.200").value()});
  options.permits = {{{"192.0.2.100"}, {"*"}, "milter.conf:12"}};
  return std::make_shared<const relay::Map>(std::move(options));
}

smtp::ListenerSite listener(smtp::Profile profile) {
  smtp::ListenerSite site;
  site.profile = profile;
  return site;
}

std::shared_ptr<smtp::Site> usual_site(std::shared_ptr<accounts::Authenticator> authenticator) {
  using smtp::Profile;
  auto site = std::make_shared<smtp::Site>();
  site->hostname = "mx.example.jp";
  site->origin = "example.jp";
  site->routes = usual_routes();
  site->directory = std::make_shared<FakeDirectory>();
  site->authenticator = std::move(authenticator);
  for (const auto profile :
       {Profile::mx, Profile::submission, Profile::submissions, Profile::local}) {
    site->listeners.push_back(listener(profile));
  }
  return site;
}

}  // namespace

SmtpHouse::SmtpHouse(const std::string& zone) : sites_(usual_site(authenticator_)) {
  auto snapshot = snapshot_on_zone(zone);
  snapshot.options.trust.relays = {mail::IpPrefix::parse("192.0.2.200").value()};
  snapshot.options.trust.networks = sites_.now()->routes->trusted();
  snapshot.resolver = std::make_shared<PartlyBroken>(snapshot.resolver);
  snapshot.options.quarantine.where = session::QuarantineWhere::store;
  snapshot.options.identity.hostname = "mx.example.jp";
  engine_ = std::make_unique<session::Engine>(
      std::make_shared<const session::Snapshot>(std::move(snapshot)), recorder_);
  services_ = std::make_unique<smtp::Services>(
      smtp::Services{.engine = *engine_,
                     .sites = sites_,
                     .limits = limits_,
                     .failures = failures_,
                     .quota = quota_,
                     .broken_tls = broken_tls_,
                     .counters = counters_,
                     .log = log_,
                     .keeping =
                         [this](std::shared_ptr<const session::Arrival> arrival) {
                           return std::make_unique<Keeps>(*this, std::move(arrival));
                         },
                     .ask = nullptr});
}

SmtpHouse::~SmtpHouse() = default;

void SmtpHouse::change(const std::function<void(smtp::Site&)>& how) {
  auto site = std::make_shared<smtp::Site>(*sites_.now());
  how(*site);
  sites_.replace(std::move(site));
}

std::vector<KeptMessage> SmtpHouse::kept() const {
  return kept_.with([](const auto& kept) { return kept; });
}

SmtpTalk::SmtpTalk(SmtpHouse& house, smtp::Profile profile, const std::string& address)
    : house_(house) {
  smtp::Client client;
  client.profile = profile;
  client.listener = static_cast<std::size_t>(profile);
  if (profile == smtp::Profile::local) {
    client.user = 1000;
  } else {
    client.address = mail::IpAddress::parse(address).value();
  }
  smtp::Ports ports{.send = [this](std::string octets) { output_ += octets; },
                    .resume = [this] { offer(); },
                    .owner = house.owner(),
                    .broken =
                        [](const std::exception& error) {
                          throw std::logic_error(std::string("broken: ") + error.what());
                        },
                    .later =
                        [this](std::chrono::milliseconds time, std::function<void()> then) {
                          waits_.push_back(time);
                          then();
                        }};
  conversation_ =
      std::make_unique<smtp::Conversation>(house.services(), std::move(ports), std::move(client));
  conversation_->open();
  greeting_ = say("");
}

void SmtpTalk::offer() {
  using Next = smtp::Conversation::Next;
  if (closed_ || wants_tls_) return;
  const auto taken = conversation_->take(input_);
  input_.erase(0, taken.octets);
  closed_ = taken.next == Next::close;
  wants_tls_ = taken.next == Next::start_tls;
}

std::string SmtpTalk::take_output() {
  std::string out;
  std::swap(out, output_);
  std::erase(out, '\r');
  return out;
}

std::string SmtpTalk::say(std::string_view octets) {
  input_ += octets;
  offer();
  // What other threads would have posted; and what no zone knows must not be waited for.
  for (int i = 0; i < 100; ++i) {
    house_.queue().run_until([] { return false; }, steady_now());
    if (!conversation_->waiting()) break;
    conversation_->expire();
  }
  return take_output();
}

std::string SmtpTalk::say_in_pieces(std::string_view octets,
                                    const std::vector<std::size_t>& sizes) {
  std::string out;
  for (std::size_t i = 0; !octets.empty(); ++i) {
    const auto piece = octets.substr(0, std::max<std::size_t>(sizes[i % sizes.size()], 1));
    out += say(piece);
    octets.remove_prefix(piece.size());
  }
  return out;
}

void SmtpTalk::tls() {
  wants_tls_ = false;
  conversation_->tls_established("TLSv1.3 with cipher TLS_AES_256_GCM_SHA384");
}

}  // namespace sekisho::test
