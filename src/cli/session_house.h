// cli/session_house.h: what stands around a conversation of `sekisho session`: routes, logins,
// aliases, certificates and rules as the daemon makes them from a configuration; and where the
// daemon keeps something (messages, history, limits, deferrals, alarms), something that forgets it.
//   auto house = SessionHouse::make(std::move(loaded));
//   smtp::Conversation conversation((*house)->services(), …);
// Errors: a complaint. Thread: one owner; the transcript any, internally locked.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/authenticator.h"
#include "accounts/live_directory.h"
#include "base/guarded.h"
#include "base/log.h"
#include "cli/complain.h"
#include "cli/records.h"
#include "config/load.h"
#include "session/decided.h"
#include "session/engine.h"
#include "smtp/counters.h"
#include "smtp/limits.h"
#include "smtp/login_quota.h"
#include "smtp/services.h"
#include "smtp/site.h"
#include "tls/certificate_files.h"

namespace sekisho::cli {

// What was said, in its order.
class Transcript final : public LogSink {
 public:
  enum class Who { client, server, log, note };
  struct Line {
    Who who;
    std::string text;
  };
  void add(Who who, std::string text);
  bool write(LogLevel level, std::string_view line) const override;
  std::vector<Line> lines() const;

 private:
  mutable Guarded<std::vector<Line>> lines_;
};

// What would become of a message that was accepted.
struct Destinations {
  struct One {
    std::string recipient;  // as it was accepted
    std::string to;         // after aliases
    std::string sender;     // that of the message, unless it is rewritten for this recipient
    std::string way;        // "[[route]] example.jp, via maildir:…", or why there is none
  };
  std::vector<One> all;
  std::vector<std::string> held;  // "carol@example.jp: quarantine"
  std::string failure;            // if it cannot be delivered: whether the sender is told
};

class SessionHouse {
 public:
  static OrComplaint<std::unique_ptr<SessionHouse>> make(config::Loaded loaded);
  ~SessionHouse();
  SessionHouse(const SessionHouse&) = delete;
  SessionHouse& operator=(const SessionHouse&) = delete;

  smtp::Services& services() { return *services_; }
  Transcript& transcript() { return *transcript_; }
  const Rulebook& rulebook() const { return rulebook_; }
  // The decisions so far, and by their ids where those messages would go.
  const std::vector<std::shared_ptr<const session::Decided>>& decided() const {
    return journal_.all;
  }
  const std::map<std::string, Destinations>& destinations() const { return destinations_; }

 private:
  class Keeps;
  struct Journal final : session::Journal {
    void decided(std::shared_ptr<const session::Decided> one) override {
      all.push_back(std::move(one));
    }
    std::vector<std::shared_ptr<const session::Decided>> all;
  };
  struct Made {
    std::shared_ptr<const smtp::Site> site;
    std::unique_ptr<accounts::LiveDirectory> directory;
    std::unique_ptr<tls::CertificateFiles> certificates;
    std::vector<std::string> notes;
  };
  static OrComplaint<Made> make_site(const config::Settings& settings);
  SessionHouse(Made made, Rulebook rulebook);
  Destinations destinations_of(const session::KeepRequest& request,
                               const session::Arrival& arrival) const;

  std::shared_ptr<Transcript> transcript_ = std::make_shared<Transcript>();
  Log log_{transcript_, LogLevel::info};
  Journal journal_;
  Made made_;
  Rulebook rulebook_;
  session::Engine engine_;
  smtp::Sites sites_;
  smtp::ClientLimits limits_;
  smtp::LoginFailures failures_;
  smtp::LoginQuota quota_{"", log_};
  smtp::BrokenTls broken_tls_;
  smtp::Counters counters_;
  std::unique_ptr<smtp::Services> services_;
  std::map<std::string, Destinations> destinations_;
};

}  // namespace sekisho::cli
